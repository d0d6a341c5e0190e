import Diagnostics
import DisentanglementMetrics
import Experiment
import FactorData
import RateDecomposition
import StrictConfiguration
import TensorCore

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
    (self.preset, self.seed) = (preset.rawValue, seed)
    metrics = evaluation.metrics.map { Metric(name: $0.name, scores: $0.result.scores, notes: $0.result.notes) }
  }
}

extension MetricInput {
  /// The posteriors of a data set with its factors.
  ///
  /// - Parameters:
  ///   - posterior: q(z|x) of all images.
  ///   - dataset: the images, whose factors are known.
  ///   - device: whose threads work.
  ///   - location: where the posteriors are from, for errors.
  /// - Throws: `StructuredError` if the data set has no factors, or the value of one is unknown for some images.
  public init(
    _ posterior: PosteriorTable, on dataset: any FactorDataset, device: Device, location: String
  ) throws {
    try Self.requireFactors(of: dataset, at: location)
    let labels = dataset.factorLabels()
    var factors = [Int32](repeating: 0, count: dataset.count * labels.count)
    for (k, label) in labels.enumerated() {
      for (n, value) in label.values.enumerated() { factors[n * labels.count + k] = value }
    }
    self.init(
      codes: try LabeledCodes(
        codes: posterior.means, latents: posterior.latents, factors: factors, names: labels.map(\.name),
        sizes: dataset.factors.sizes, categorical: labels.map(\.isCategorical), location: location),
      posterior: posterior, device: device)
  }

  /// Checks that the factors of all images are known, which metrics need.
  ///
  /// - Throws: `StructuredError` if the data set has no factors, or the value of one is unknown for some images.
  public static func requireFactors(of dataset: any FactorDataset, at location: String) throws {
    try dataset.factors.requireComplete(location: location)
  }
}
