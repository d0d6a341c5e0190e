import Diagnostics
import DisentanglementMetrics
import Experiment
import StrictConfiguration

/// Disentanglement metrics of a run's codes.
public struct RunMetrics: Sendable, Equatable, Codable {
  /// One metric.
  public struct Metric: Sendable, Equatable, Codable {
    /// Its name in the registry.
    public var name: String
    /// Its scores, the most important first.
    public var scores: [MetricScore]
    /// What a reader should know: sentences.
    public var notes: [String]
  }

  /// The preset of sizes and thresholds.
  public var preset: String
  /// The seed of everything sampled.
  public var seed: Int
  /// What a reader should know of the data points: sentences; nil in reports of earlier versions.
  public var notes: [String]?
  /// The metrics in the order of the registry.
  public var metrics: [Metric]

  /// Computes the metrics that are computed by default.
  ///
  /// - Parameters:
  ///   - input: the codes and factors.
  ///   - preset: whose sizes and thresholds.
  ///   - seed: the seed of everything sampled.
  ///   - components: the metrics there are.
  ///   - progress: called with the part that is done, from 0 to 1.
  /// - Throws: `StructuredError` if the codes do not fit together.
  init(
    of input: MetricInput, preset: MetricPreset, seed: Int, components: Components,
    progress: (Double) -> Void = { _ in }
  ) throws {
    let configuration = try ConfigurationDocument(
      yaml: "{preset: \(preset.rawValue), seed: \(seed)}", source: "the report's metrics"
    ).evaluation(components)
    let count = Double(configuration.value.chosen(runs: 1).count)
    var done = 0.0
    let evaluation = try Evaluation(configuration, of: input) { _, _ in
      done += 1
      progress(done / count)
    }
    (self.preset, self.seed, notes) = (preset.rawValue, seed, evaluation.notes)
    metrics = evaluation.metrics.map { Metric(name: $0.name, scores: $0.result.scores, notes: $0.result.notes) }
  }
}
