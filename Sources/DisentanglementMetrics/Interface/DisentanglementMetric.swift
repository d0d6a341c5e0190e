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

  /// What the metric takes of memory at least, asked for before any metric is computed; by default nothing.
  ///
  /// - Parameters:
  ///   - input: what it will be computed from.
  ///   - section: the section of its settings, for the keys of the requirements: `SECTION.KEY`.
  func memory(for input: MetricInput, at section: String) -> [MemoryRequirement]
}

extension MetricConfiguration {
  /// Nothing.
  public func memory(for input: MetricInput, at section: String) -> [MemoryRequirement] { [] }
}

extension MetricInput {
  /// The memory of a table of counts for each pair that is worked on at a time: bins × values.
  func tables(_ bins: Int, _ values: Int, pairs: Int, at location: String) -> MemoryRequirement {
    MemoryRequirement(
      "tables of \(Format.grouped(bins)) × \(Format.grouped(values)) counts",
      bytes: saturatingProduct(bins, values, min(device.threads, max(pairs, 1)), MemoryLayout<Int>.stride),
      at: location, action: "Choose fewer bins, or leave out factors with that many values.")
  }

  /// The memory of ``FactorRows``: the rows by each factor, and where each of its values begins.
  func factorRows(at section: String) -> MemoryRequirement {
    MemoryRequirement(
      "the rows by the values of each factor",
      bytes: codes.factorSizes.reduce(0) {
        saturatingSum($0, saturatingProduct($1, MemoryLayout<Int>.stride), saturatingProduct(codes.count, 4))
      }, at: section, action: "Leave out factors with very many values.")
  }

  /// The most values that a factor can take.
  var largestFactor: Int { codes.factorSizes.max() ?? 0 }
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
