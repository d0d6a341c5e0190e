import Diagnostics
import Foundation
import StrictConfiguration
import TensorCore

/// The metrics of one run.
public struct Evaluation: Sendable {
  /// One metric's findings.
  public struct Entry: Sendable {
    /// The metric's name in the registry.
    public let name: String
    /// What it found.
    public let result: MetricResult
    /// Its settings, every default included.
    public let settings: [String: SettingValue]
  }

  /// Whose sizes and thresholds the settings began with.
  public let preset: MetricPreset
  /// Where all random numbers began.
  public let seed: Int
  /// N.
  public let dataPoints: Int
  /// D.
  public let latents: Int
  /// The factors and how many values each has.
  public let factors: [(name: String, size: Int)]
  /// Which code of a data point was looked at.
  public let representation: Representation
  /// What a reader should know of the data points: sentences.
  public let notes: [String]
  /// The metrics, in the order asked for.
  public let metrics: [Entry]

  /// Computes the metrics that a configuration asks for.
  ///
  /// - Parameters:
  ///   - configuration: which metrics, and how.
  ///   - input: codes and factors, and what else is known.
  ///   - runs: how many runs are evaluated; comparisons of several are left to ``EvaluationReport``.
  ///   - finished: called after each metric with its name and how long it took.
  /// - Throws: `StructuredError` if the input lacks what cannot be done without.
  public init(
    _ configuration: ResolvedConfiguration<EvaluationConfiguration>, of input: MetricInput, runs: Int = 1,
    finished: (_ metric: String, _ time: Duration) -> Void = { _, _ in }
  ) throws {
    let settings = configuration.value, root = RandomStream(seed: UInt64(settings.seed))
    let input = try input.representing(settings.representation, stream: root.split("representation"))
    let written = try ConfigurationDocument(yaml: configuration.yaml, source: "the configuration")
    preset = settings.preset
    seed = settings.seed
    dataPoints = input.codes.count
    latents = input.codes.latents
    factors = zip(input.codes.factorNames, input.codes.factorSizes).map { ($0, $1) }
    representation = settings.representation
    notes = input.notes
    for chosen in settings.chosen(runs: runs) {
      for requirement in chosen.settings.memory(for: input, at: chosen.entry.name) { try requirement.check() }
    }
    metrics = try settings.chosen(runs: runs).compactMap { chosen in
      let metric = chosen.settings.metric()
      if runs > 1, metric is any MultiRunMetric { return nil }
      return try Entry(chosen.entry.name, written, finished) {
        try metric.evaluate(input, stream: root.split(chosen.entry.name))
      }
    }
  }
}

extension Evaluation.Entry {
  /// Computes a metric and notes its settings.
  init(
    _ name: String, _ written: ConfigurationDocument, _ finished: (String, Duration) -> Void,
    _ evaluate: () throws -> MetricResult
  ) throws {
    self.name = name
    let clock = ContinuousClock(), start = clock.now
    result = try evaluate()
    finished(name, clock.now - start)
    guard let node = written[name], case .section(let values) = SettingValue(node) else {
      settings = [:]
      return
    }
    settings = values
  }
}

extension MetricInput {
  /// The input with the codes that a representation asks for.
  ///
  /// - Throws: `StructuredError` if samples are asked for and the posteriors are not known.
  func representing(_ representation: Representation, stream: RandomStream) throws -> MetricInput {
    guard representation == .sample, !hasSampledCodes else { return self }
    guard let posterior else {
      throw StructuredError(
        "the codes come without the log-variances of their posteriors", at: "representation",
        expected: "log_variances or sampled_codes beside the codes, or representation: mean")
    }
    var input = self, samples = [Float](repeating: 0, count: posterior.means.count), stream = stream
    samples.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
    for position in samples.indices {
      samples[position] =
        posterior.means[position] + exp(posterior.logVariances[position] / 2) * samples[position]
    }
    input.codes = try LabeledCodes(
      codes: samples, latents: codes.latents, factors: codes.factors, names: codes.factorNames,
      sizes: codes.factorSizes,
      categorical: codes.categoricalFactors)
    return input
  }
}
