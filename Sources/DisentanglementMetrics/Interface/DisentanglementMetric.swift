import Diagnostics
import StrictConfiguration
import TensorCore

/// A measure of how well codes separate the generating factors.
public protocol DisentanglementMetric: Sendable {
  /// Measures.
  ///
  /// - Parameters:
  ///   - input: codes and factors, and what else is known.
  ///   - stream: where all randomness comes from: the same stream gives the same result.
  /// - Returns: the scores and their parts. A score that is undefined for the input has a reason instead of a value.
  /// - Throws: `StructuredError` if the input lacks something the metric cannot do without.
  func evaluate(_ input: MetricInput, stream: RandomStream) throws -> MetricResult
}

/// Whose sizes and thresholds a metric's settings begin with.
public enum MetricPreset: String, Sendable, CaseIterable {
  /// Those of disentanglement_lib (Locatello et al. 2019, arXiv:1811.12359).
  case dlib
  /// Smaller samples: a look during development.
  case fast
  /// The whole data set and exact integrals wherever that can be afforded.
  case exact
}

/// A metric's settings.
public protocol MetricConfiguration: Sendable {
  /// Reads the settings from the metric's section; what is absent has the preset's value.
  init(from section: inout ConfigurationSection, preset: MetricPreset) throws
  /// Builds the metric.
  func metric() -> any DisentanglementMetric
}

/// An entry of the metric registry.
public struct MetricEntry: RegistryEntry {
  /// What `--metrics` calls it.
  public let name: String
  /// One line about it.
  public let summary: String
  /// Where it was published.
  public let paper: String
  /// Its settings.
  public let configuration: any MetricConfiguration.Type
  /// Whether `evaluate` computes it unless asked otherwise; the others take long or need more than codes and factors.
  public let isDefault: Bool

  /// Describes a metric.
  public init(
    name: String, summary: String, paper: String, configuration: any MetricConfiguration.Type, isDefault: Bool = true
  ) {
    self.name = name
    self.summary = summary
    self.paper = paper
    self.configuration = configuration
    self.isDefault = isDefault
  }
}
