import Foundation

/// One run in the rate–distortion plane (Alemi et al. 2018, arXiv:1711.00464), in nats: D against R, the ELBO −(D + R),
/// and the exact mutual information between its bounds H − D ≤ I(x; z) ≤ R.
public struct RateDistortionPoint: Sendable, Equatable, Codable {
  /// A setting of the objective.
  public struct Setting: Sendable, Equatable, Codable {
    /// The configuration's key, as `beta`.
    public var name: String
    /// Its value; of a schedule, the last one.
    public var value: Double

    /// Makes a setting.
    public init(name: String, value: Double) {
      self.name = name
      self.value = value
    }
  }

  /// What the run is called.
  public var label: String
  /// The name of its objective.
  public var objective: String
  /// The numbers in its objective's section, by name.
  public var settings: [Setting]
  /// The seed of training.
  public var seed: Int
  /// R, in closed form over all data points.
  public var rate: Double
  /// D; nil where there are no images. Its standard error is that of measuring it on a sample of the images.
  public var distortion: Estimate?
  /// −(D + R), nil without D.
  public var elbo: Estimate?
  /// I(x; z) under the aggregate posterior of all data points.
  public var mutualInformation: Estimate
  /// TC(z).
  public var totalCorrelation: Estimate
  /// The entropy of the data counted over identical images; nil where it is not known.
  public var dataEntropy: Double?
  /// H − D; nil where that is no bound, with the reason.
  public var lowerBound: Double?
  /// Why there is no lower bound.
  public var lowerBoundReason: String?
  /// Whether I lies in its band, up to four standard errors.
  public var isWithinBounds: Bool
  /// Whether no latent is active.
  public var isCollapsed: Bool
  /// The number of latents with Var_x(μ_d) ≥ 0.01.
  public var activeUnits: Int
  /// D, the number of latents.
  public var latents: Int
  /// N.
  public var dataPoints: Int
  /// The samples of q(z) behind I and TC.
  public var samples: Int

  /// Takes the numbers from a decomposition.
  public init(
    label: String, objective: String, settings: [Setting], seed: Int, decomposition: RateDecomposition
  ) {
    self.label = label
    self.objective = objective
    self.settings = settings
    self.seed = seed
    rate = decomposition.rate
    distortion = decomposition.distortion.map {
      Estimate(value: $0, standardError: decomposition.distortionStandardError)
    }
    elbo = distortion.map { [rate] in Estimate(value: -($0.value + rate), standardError: $0.standardError) }
    mutualInformation = decomposition.mutualInformation
    totalCorrelation = decomposition.totalCorrelation
    dataEntropy = decomposition.dataEntropy
    lowerBound = decomposition.informationBounds.lower
    lowerBoundReason = decomposition.informationBounds.lowerReason
    isWithinBounds = decomposition.informationBounds.hold
    isCollapsed = decomposition.activeUnits == 0
    activeUnits = decomposition.activeUnits
    latents = decomposition.latents
    dataPoints = decomposition.dataPoints
    samples = decomposition.samples
  }

  private enum CodingKeys: String, CodingKey {
    case label, objective, settings, seed, rate, distortion, elbo, latents, samples
    case mutualInformation = "mutual_information"
    case totalCorrelation = "total_correlation"
    case dataEntropy = "data_entropy"
    case lowerBound = "lower_bound"
    case lowerBoundReason = "lower_bound_reason"
    case isWithinBounds = "within_bounds"
    case isCollapsed = "collapsed"
    case activeUnits = "active_units"
    case dataPoints = "data_points"
  }
}
