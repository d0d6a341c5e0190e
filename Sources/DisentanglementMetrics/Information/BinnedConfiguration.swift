import StrictConfiguration

/// A metric that counts codes in bins.
public protocol BinnedMetric: DisentanglementMetric {
  /// Makes the metric.
  init(configuration: BinnedConfiguration<Self>)
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
}

extension BinnedMetric {
  /// The settings.
  public typealias Configuration = BinnedConfiguration<Self>
}
