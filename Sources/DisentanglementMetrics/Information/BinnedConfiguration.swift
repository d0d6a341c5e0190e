import Diagnostics
import StrictConfiguration

/// A metric that counts codes in bins.
public protocol BinnedMetric: DisentanglementMetric {
  /// Makes the metric.
  init(configuration: BinnedConfiguration<Self>)

  /// With how many values the bins of a latent are counted together; by default those of the largest factor.
  static func valuesBesideBins(_ input: MetricInput, bins: Int) -> Int
}

extension BinnedMetric {
  /// The values of the largest factor.
  public static func valuesBesideBins(_ input: MetricInput, bins: Int) -> Int { input.largestFactor }
}

/// The settings of a metric that counts codes in bins.
public struct BinnedConfiguration<Metric: BinnedMetric>: MetricConfiguration {
  /// Data points looked at; 0 for all.
  public var points: Int
  /// Bins for each latent.
  public var bins: Int
  /// Bootstrap replicates behind the standard errors.
  public var bootstrap: Int

  /// Reads `points`, `bins` and `bootstrap`.
  public init(from section: inout ConfigurationSection, preset: MetricPreset) throws {
    points = try section.points(preset)
    bins = try section.bins()
    bootstrap = try section.bootstrap(preset)
  }

  /// Builds the metric.
  public func metric() -> any DisentanglementMetric { Metric(configuration: self) }

  /// Tables of counts, one for each thread.
  public func memory(for input: MetricInput, at section: String) -> [MemoryRequirement] {
    [
      input.tables(
        bins, Metric.valuesBesideBins(input, bins: bins), pairs: input.codes.latents * input.codes.factorCount,
        at: "\(section).bins")
    ]
  }
}

extension BinnedMetric {
  /// The settings.
  public typealias Configuration = BinnedConfiguration<Self>
}
