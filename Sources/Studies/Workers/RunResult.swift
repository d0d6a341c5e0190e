import Diagnostics
import FileFormats
import Foundation
import RateDecomposition

/// What a finished run of a study leaves for the analysis: `result.json` in its folder. Nothing else is needed.
public struct RunResult: Sendable, Codable, Equatable {
  /// One number of a metric.
  public struct Score: Sendable, Codable, Equatable {
    /// The metric and the score, as `dci:disentanglement`; the metric's first score has its name alone.
    public var name: String
    /// The value; nil where it is undefined.
    public var value: Double?
    /// Its standard error, of measuring this run; nil where it is not known.
    public var standardError: Double?

    /// Makes a score.
    public init(_ name: String, _ value: Double?, standardError: Double? = nil) {
      (self.name, self.value, self.standardError) = (name, value, standardError)
    }

    private enum CodingKeys: String, CodingKey {
      case name, value
      case standardError = "standard_error"
    }
  }

  /// The digest of the run's configuration.
  public var digest: String
  /// Its variant.
  public var variant: String
  /// Its values on the variant's own axes.
  public var strength: [PlannedRun.Setting]
  /// Its values on the axes of all runs.
  public var common: [PlannedRun.Setting]
  /// The name of its objective.
  public var objective: String
  /// The name of its data set.
  public var dataset: String
  /// Its seed.
  public var seed: Int
  /// Updates made.
  public var steps: Int
  /// The exact decomposition of its rate.
  public var decomposition: RateDecomposition
  /// The scores of its metrics.
  public var scores: [Score]
  /// The section of metrics that was measured, as one-line YAML; nil for none.
  public var metrics: String?
  /// Threads that worked on it.
  public var threads: Int
  /// Seconds of training, over all processes that trained it.
  public var trainingSeconds: Double
  /// Seconds of measuring.
  public var measuringSeconds: Double
  /// The version of this toolkit.
  public var version: String
  /// The machine that finished it.
  public var host: String
  /// When it was finished: ISO 8601, UTC.
  public var finished: String

  private enum CodingKeys: String, CodingKey {
    case digest, variant, strength, common, objective, dataset, seed, steps, decomposition, scores, metrics, threads
    case version, host, finished
    case trainingSeconds = "training_seconds"
    case measuringSeconds = "measuring_seconds"
  }

  /// Seconds of training and measuring, on all of its threads.
  public var coreSeconds: Double { (trainingSeconds + measuringSeconds) * Double(threads) }

  /// Whether no latent is active.
  public var isCollapsed: Bool { decomposition.activeUnits == 0 }

  /// Every number of the run by its name: the decomposition's, then the metrics'. All are in nats but `active_units` and
  /// those of metrics.
  public var values: [Score] {
    let d = decomposition
    var values: [Score] = [
      .init("rate", d.rate, standardError: 0),
      .init("mutual_information", d.mutualInformation.value, standardError: d.mutualInformation.standardError),
      .init("total_correlation", d.totalCorrelation.value, standardError: d.totalCorrelation.standardError),
      .init("dimension_wise_kl", d.dimensionWiseKL.value, standardError: d.dimensionWiseKL.standardError),
      .init("active_units", Double(d.activeUnits), standardError: 0),
    ]
    if let distortion = d.distortion {
      values.append(.init("distortion", distortion, standardError: d.distortionStandardError))
      values.append(.init("elbo", -(distortion + d.rate), standardError: d.distortionStandardError))
    }
    for estimate in d.minibatchEstimates {
      values.append(
        .init(
          "minibatch_total_correlation:\(estimate.estimator.rawValue)", estimate.totalCorrelation,
          standardError: estimate.standardError?.totalCorrelation))
    }
    return values + scores
  }

}

extension RunResult {
  /// Reads a run's result.
  ///
  /// - Throws: `StructuredError` if the file cannot be read or is no result.
  public init(reading path: String) throws {
    do {
      self = try JSONDecoder().decode(RunResult.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    } catch is DecodingError {
      throw StructuredError("this is not the result of a run", at: path, expected: "what `disentangle study` wrote")
    } catch {
      throw StructuredError("the file cannot be read", at: path)
    }
  }

  /// Writes the result.
  ///
  /// - Throws: `StructuredError` if the file cannot be written.
  public func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try AtomicFile.write(try encoder.encode(self), to: path)
  }
}
