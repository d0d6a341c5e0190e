import Foundation
import TensorCore

/// The information of each latent about the data, over the whole data set. All in nats.
///
/// Deterministic codes are counted, with the uniform prior over the values of each latent.
/// Where a marginal can be integrated its entropy is exact and its standard error 0; otherwise it is a mean over samples
/// of q(z).
public struct LatentInformation: Sendable, Equatable, Codable {
  /// One latent.
  public struct Latent: Sendable, Equatable, Codable {
    /// d, counted from 0.
    public var latent: Int
    /// E_x KL(q(z_d|x) ‖ p(z_d)), in closed form.
    public var kl: Double
    /// KL(q(z_d) ‖ p(z_d)): the part of ``kl`` that is not information about the image.
    public var marginalKL: Estimate
    /// H(z_d), the entropy of the marginal of q(z).
    public var entropy: Estimate
    /// I(x; z_d) = H(z_d) − E_x H(z_d|x) = KL − marginal KL.
    public var mutualInformation: Estimate
    /// The mean of q(z_d).
    public var mean: Double
    /// The standard deviation of q(z_d): √(Var_x(μ_d) + E_x σ_d²).
    public var standardDeviation: Double
    /// Var_x(μ_d).
    public var meanVariance: Double
    /// Whether Var_x(μ_d) ≥ 0.01 (Burda et al. 2016, arXiv:1509.00519, §C), or of deterministic codes H(z_d) ≥ 0.01.
    public var isActive: Bool

    private enum CodingKeys: String, CodingKey {
      case latent, kl, entropy, mean
      case marginalKL = "marginal_kl"
      case mutualInformation = "mutual_information"
      case standardDeviation = "standard_deviation"
      case meanVariance = "mean_variance"
      case isActive = "active"
    }
  }

  /// Always "nats".
  public var units: String
  /// N.
  public var dataPoints: Int
  /// The samples of q(z) behind entropies with a standard error; 0 if all were integrated.
  public var samples: Int
  /// The latents in their own order.
  public var latents: [Latent]

  /// The latents in descending order of their KL; of equal KL, as of deterministic codes, by I(x; z_d), then in their own
  /// order.
  public var byKL: [Latent] {
    latents.sorted {
      ($1.kl, $1.mutualInformation.value, $0.latent) < ($0.kl, $0.mutualInformation.value, $1.latent)
    }
  }

  /// Measures all latents.
  ///
  /// - Parameters:
  ///   - posterior: the integrated posteriors of all data points.
  ///   - samples: how many samples of q(z) stand in where a marginal cannot be integrated, at least 2.
  ///   - seed: the seed of these samples.
  public init(of posterior: IntegratedPosterior, samples: Int = 10_000, seed: UInt64 = 0) {
    let statistics = posterior.statistics, d = posterior.latents
    units = "nats"
    dataPoints = posterior.dataPoints
    if let counts = CodeCounts(posterior.posterior) {
      self.samples = 0
      latents = (0..<d).map { k in
        let entropy = Estimate(value: counts.marginals[k], standardError: 0)
        return Latent(
          latent: k, kl: counts.capacity,
          marginalKL: Estimate(value: counts.capacity - entropy.value, standardError: 0), entropy: entropy,
          mutualInformation: entropy, mean: statistics.means[k],
          standardDeviation: statistics.meanVariances[k].squareRoot(), meanVariance: statistics.meanVariances[k],
          isActive: entropy.value >= CodeCounts.activeEntropy)
      }
      return
    }
    // I(x; z_d) as the mean of log q(z_d|x) − log q(z_d): however narrow posteriors are, rounding of z cancels.
    var sampled: [Estimate]?
    if posterior.marginals.contains(where: { $0 == nil }) {
      let stream = RandomStream(seed: seed).split("latent information")
      let (codes, indices) = posterior.aggregate.samples(samples, from: stream)
      let log = posterior.aggregate.logDensities(of: codes, marginals: true).marginals
      sampled = (0..<d).map { k in
        Estimate(
          meanOf: (0..<samples).map {
            posterior.logConditional(codes[$0 * d + k], latent: k, index: indices[$0]) - log[$0 * d + k]
          })
      }
    }
    self.samples = sampled == nil ? 0 : samples
    latents = (0..<d).map { k in
      let information =
        posterior.informations[k].map { Estimate(value: $0, standardError: 0) } ?? sampled?[k]
        ?? Estimate(value: .nan, standardError: nil)
      func shifted(_ value: Double) -> Estimate { Estimate(value: value, standardError: information.standardError) }
      return Latent(
        latent: k, kl: statistics.klPerDimension[k],
        marginalKL: shifted(statistics.klPerDimension[k] - information.value),
        entropy: shifted(information.value + statistics.conditionalEntropies[k]), mutualInformation: information,
        mean: statistics.means[k],
        standardDeviation: (statistics.meanVariances[k] + statistics.meanOfVariances[k]).squareRoot(),
        meanVariance: statistics.meanVariances[k],
        isActive: statistics.meanVariances[k] >= PosteriorStatistics.activeVariance)
    }
  }

  private enum CodingKeys: String, CodingKey {
    case units, samples, latents
    case dataPoints = "data_points"
  }
}
