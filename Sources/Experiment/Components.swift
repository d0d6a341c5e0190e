import Architectures
import Diagnostics
import DisentanglementMetrics
import FactorData
import Objectives
import StrictConfiguration

/// Everything that a configuration can name, and which program it is. A program starts from the components of this package
/// and adds its own.
public struct Components: Sendable {
  /// What can be trained.
  public var objectives = Registry<ObjectiveEntry>.standard
  /// Encoders and decoders.
  public var architectures = Registry<Architecture>.standard
  /// Data sets.
  public var datasets = Registry<DatasetEntry>.standard
  /// What codes are measured by.
  public var metrics = Registry<MetricEntry>.standard

  /// The commit of the program's source, which `environment.json` records; nil where it is not known.
  public var commit: String?

  /// The components of this package.
  public init() {}
}

extension ConfigurationDocument {
  /// Decodes the configuration of an experiment.
  ///
  /// - Parameter components: what it can name.
  /// - Throws: `StructuredError` at the first key that is unknown, missing, of a wrong type or out of bounds.
  public func experiment(
    _ components: Components = Components()
  ) throws -> ResolvedConfiguration<ExperimentConfiguration> {
    try decode { try ExperimentConfiguration(from: &$0, components: components) }
  }

  /// The values of the complete configuration of an experiment by their dotted paths, defaults included.
  ///
  /// - Parameter components: what it can name.
  /// - Throws: `StructuredError` at the first key that is unknown, missing, of a wrong type or out of bounds.
  public func experimentValues(_ components: Components = Components()) throws -> [(path: String, value: String)] {
    try completeValues { try ExperimentConfiguration(from: &$0, components: components) }
  }

  /// Decodes the settings of an evaluation.
  ///
  /// - Parameter components: the metrics that it can name.
  /// - Throws: `StructuredError` at the first key that is unknown, missing, of a wrong type or out of bounds.
  public func evaluation(
    _ components: Components = Components()
  ) throws -> ResolvedConfiguration<EvaluationConfiguration> {
    try decode { try EvaluationConfiguration(from: &$0, metrics: components.metrics) }
  }
}
