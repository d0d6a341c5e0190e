import TensorCore

/// The posteriors of a whole data set with what follows from them without sampling, computed once for all measurements
/// that need it: averages in closed form, the mixture, and the tabulated marginals.
public struct IntegratedPosterior: Sendable {
  /// q(z) = 1/N Σₙ q(z|xₙ).
  public let aggregate: AggregatePosterior
  /// Averages over the data in closed form.
  public let statistics: PosteriorStatistics
  /// q(z_d), `[D]`; nil where a marginal is too spiky to tabulate.
  public let marginals: [MarginalDensity?]

  let device: Device

  /// Integrates the marginals, which takes about a second for ten latents of 737,280 data points.
  public init(_ posterior: PosteriorTable, on device: Device) {
    self.init(posterior, integratingMarginals: true, on: device)
  }

  /// Leaves out the marginals where they are not needed.
  init(_ posterior: PosteriorTable, integratingMarginals: Bool, on device: Device) {
    self.device = device
    aggregate = AggregatePosterior(posterior, on: device)
    statistics = PosteriorStatistics(posterior)
    marginals =
      integratingMarginals
      ? aggregate.marginalDensities() : [MarginalDensity?](repeating: nil, count: posterior.latents)
  }

  /// The posteriors.
  public var posterior: PosteriorTable { aggregate.posterior }
  /// N.
  public var dataPoints: Int { posterior.count }
  /// D.
  public var latents: Int { posterior.latents }

  /// log q(z_d|xₙ).
  func logConditional(_ z: Float, latent d: Int, index n: Int) -> Double {
    gaussianLogDensity(
      Double(z), mean: Double(posterior.means[n * latents + d]),
      logVariance: Double(posterior.logVariances[n * latents + d]))
  }

  /// I(x; z_d) = H(z_d) − E H(z_d|x) in nats, `[D]`; nil where the marginal is not tabulated.
  var informations: [Double?] {
    zip(marginals, statistics.conditionalEntropies).map { density, conditional in
      density.map { $0.entropy - conditional }
    }
  }
}
