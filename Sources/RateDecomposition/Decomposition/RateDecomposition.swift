import Foundation

/// Where the rate of a trained model goes:
///
///     E_x KL(q(z|x) ‖ p(z)) = I(x; z) + TC(z) + Σ_d KL(q(z_d) ‖ p(z_d))
///
/// with the aggregate posterior q(z) = 1/N Σₙ q(z|xₙ) over the **whole** data set (Hoffman & Johnson 2016; Chen et al.
/// 2018, arXiv:1802.04942, Eq. 2). All quantities are in nats. The JSON form is a contract with other programs: fields
/// are added, never renamed.
public struct RateDecomposition: Sendable, Equatable, Codable {
  /// How the joint and the marginal entropies were found.
  public enum Method: String, Sendable, Codable {
    /// Marginals by quadrature; the joint entropy over samples drawn from q(z), with control variates.
    case exact = "exact_marginals_monte_carlo_joint"
    /// All terms as plain means over drawn samples, because some marginal is too spiky to integrate.
    case monteCarlo = "monte_carlo"
    /// All terms as plain means over the caller's samples.
    case fixedSamples = "fixed_samples"
    /// Deterministic codes: entropies by counting, with the uniform prior over the values of each latent.
    case counting
  }

  /// The dimension-wise KL and its parts.
  public struct DimensionWiseKL: Sendable, Equatable, Codable {
    /// Σ_d KL(q(z_d) ‖ p(z_d)).
    public var value: Double
    /// 0 when the marginals are integrated; nil for a single sample.
    public var standardError: Double?
    /// KL(q(z_d) ‖ p(z_d)), `[D]`.
    public var perDimension: [Double]
  }

  /// The check that can fail: mean[log q(z|x) − log p(z)] over the samples, minus the rate in closed form.
  public struct MonteCarloResidual: Sendable, Equatable, Codable {
    /// The difference.
    public var value: Double
    /// Its standard error; nil for a single sample.
    public var standardError: Double?
    /// Whether the difference is at most four standard errors; nil for a single sample.
    public var withinFourStandardErrors: Bool?
  }

  /// Bounds on the mutual information: H − D ≤ I(x; z) ≤ R (Alemi et al. 2018, arXiv:1711.00464, Eq. 4).
  public struct InformationBounds: Sendable, Equatable, Codable {
    /// Data entropy minus distortion; nil where that is not a bound.
    public var lower: Double?
    /// Why there is no lower bound.
    public var lowerReason: String?
    /// The rate.
    public var upper: Double
    /// The entropy of the data where it is known, or else log N: no code of N data points carries more information.
    public var ceiling: Double
    /// Whether the mutual information lies between the bounds, up to four standard errors.
    public var hold: Bool
  }

  /// Always "nats".
  public var units: String
  /// N.
  public var dataPoints: Int
  /// D.
  public var latents: Int
  /// S, the number of samples of q(z).
  public var samples: Int
  /// The seed of the samples, and of the batches of the minibatch estimates.
  public var seed: UInt64
  /// How the entropies were found.
  public var estimator: Method
  /// E_x KL(q(z|x) ‖ p(z)), in closed form; D·log V for deterministic codes of V values.
  public var rate: Double
  /// I(x; z), the index-code mutual information.
  public var mutualInformation: Estimate
  /// TC = KL(q(z) ‖ Π_d q(z_d)).
  public var totalCorrelation: Estimate
  /// Σ_d KL(q(z_d) ‖ p(z_d)).
  public var dimensionWiseKL: DimensionWiseKL
  /// E_x KL(q(z_d|x) ‖ p(z_d)), `[D]`, in closed form; the sum is the rate.
  public var klPerDimension: [Double]
  /// H(z) of the aggregate posterior.
  public var jointEntropy: Estimate
  /// H(z_d), `[D]`.
  public var marginalEntropies: [Double]
  /// E_x H(q(z|x)), in closed form.
  public var conditionalEntropy: Double
  /// The number of latents with Var_x(μ_d) ≥ 0.01, or of deterministic codes with H(z_d) ≥ 0.01 nats.
  public var activeUnits: Int
  /// Var_x(μ_d), `[D]`.
  public var meanVariances: [Double]
  /// E[−log p(x|z)], averaged over the data; nil without images.
  public var distortion: Double?
  /// Its standard error, where it was measured on a sample of the images.
  public var distortionStandardError: Double?
  /// Why there is no distortion.
  public var distortionReason: String?
  /// The entropy of the data counted over identical images; nil where it is not known.
  public var dataEntropy: Double?
  /// Why there is no data entropy.
  public var dataEntropyReason: String?
  /// Bounds on the mutual information.
  public var informationBounds: InformationBounds
  /// I + TC + dimension-wise KL − rate (for fixed samples, − the same samples' mean of log q(z|x) − log p(z)): rounding.
  public var identityResidual: Double
  /// The check that can fail.
  public var monteCarloResidual: MonteCarloResidual
  /// What minibatch estimators would have said.
  public var minibatchEstimates: [MinibatchEstimate]
  /// What a reader should know before trusting or citing the numbers, in sentences.
  public var warnings: [String]
  /// log q(z_s), `[S]`; only for the caller's samples.
  public var logDensities: [Double]?
  /// log q(z_sd), `[S][D]`; only for the caller's samples.
  public var logDensitiesPerDimension: [[Double]]?

  /// Whether a latent is active.
  func isActive(_ latent: Int) -> Bool {
    estimator == .counting
      ? marginalEntropies[latent] >= CodeCounts.activeEntropy
      : meanVariances[latent] >= PosteriorStatistics.activeVariance
  }

  /// What ``isActive(_:)`` means, in a formula.
  var activityRule: String { estimator == .counting ? "H(z_d) ≥ 0.01" : "Var(μ) ≥ 0.01" }
}
