import Diagnostics
import Experiment
import FactorData
import Foundation
import Pages
import RateDecomposition

/// The numbers of a run's report: `report.json`. All information is in nats. See <doc:ReportFormat> for the schema.
///
/// The short form, which training writes, has the decomposition, its findings, and two figures of images; the full form
/// has all sections. What does not apply is null or missing, with its reason beside it. Keys are added, never renamed.
public struct ReportContents: Sendable, Equatable, Codable {
  /// How much a report covers.
  public enum Form: String, Sendable, Codable {
    /// What training writes.
    case short
    /// What `disentangle report` writes.
    case full
  }

  /// What was trained, and how far.
  public struct Run: Sendable, Equatable, Codable {
    /// How much is known of training.
    public enum Training: String, Sendable, Codable {
      /// All steps were made.
      case complete
      /// It stopped before its end; the report is of its last checkpoint.
      case interrupted
      /// There is no checkpoint: the weights may come from anywhere.
      case unknown
    }

    /// The run's name.
    public var name: String
    /// The seed of training.
    public var seed: Int
    /// Where the weights came from, if they were not trained here.
    public var imported: ImportedWeights?
    /// The objective's registry name; with its equation and paper nil where it is not known.
    public var objective: String?
    /// Its equation.
    public var equation: String?
    /// Its paper.
    public var paper: String?
    /// The data set's registry name.
    public var dataset: String
    /// N.
    public var dataPoints: Int
    /// The architecture's registry name.
    public var architecture: String
    /// The number of parameters of encoder and decoder.
    public var parameters: Int
    /// D.
    public var latents: Int
    /// The likelihood's name.
    public var likelihood: String
    /// B of training; nil where it is not known.
    public var batchSize: Int?
    /// How far training came.
    public var training: Training
    /// Updates made; nil where it is not known.
    public var step: Int?
    /// Updates planned; nil where it is not known.
    public var steps: Int?
    /// The CRC-32 of the file that the parameters were read from.
    public var checksum: String
    /// The configuration as YAML, with every default.
    public var configuration: String

    enum CodingKeys: String, CodingKey {
      case name, seed, imported, objective, equation, paper, dataset, architecture, parameters, latents, likelihood
      case training, step, steps, checksum, configuration
      case dataPoints = "data_points"
      case batchSize = "batch_size"
    }
  }

  /// Which images training saw, by the section `dataset.sampling`.
  public struct Sampling: Sendable, Equatable, Codable {
    /// Two correlated factors.
    public struct Pair: Sendable, Equatable, Codable {
      /// The name of the one.
      public var first: String
      /// The name of the other.
      public var second: String
      /// The probability of each combination of their values, `[values of the first][values of the second]`.
      public var joint: [[Double]]
    }

    /// The number of images that occur.
    public var images: Int
    /// The correlated pairs.
    public var pairs: [Pair]

    /// Describes what a configuration says; nil if it says nothing.
    init?(_ settings: ExperimentConfiguration, _ dataset: any FactorDataset) throws {
      guard let sampling = settings.dataset.sampling else { return nil }
      let distribution = try settings.dataset.distribution(of: dataset, stream: settings.stream)
      let names = dataset.factors.names
      images = distribution.count
      pairs = sampling.pairs.compactMap { pair in
        guard let first = names.firstIndex(of: pair.first), let second = names.firstIndex(of: pair.second) else {
          return nil
        }
        return Pair(
          first: pair.first, second: pair.second, joint: distribution.joint(first, second, of: dataset.factors))
      }
    }
  }

  /// Short or full; nil in reports of earlier versions, which are full.
  public var form: Form?
  /// The report's title.
  public var title: String
  /// What was trained.
  public var run: Run
  /// The decomposition of the rate.
  public var decomposition: RateDecomposition
  /// Collapse and entanglement, as data and in words.
  public var findings: CollapseFindings
  /// The information in each latent.
  public var latents: LatentInformation
  /// The mutual information of pairs of latents; nil for a single latent, and in the short form.
  public var pairwise: PairwiseInformation?
  /// The mutual information of factors and latents; nil where no factors are known, and in the short form.
  public var factors: FactorInformation?
  /// Why there is nothing about factors, or why some were left out.
  public var factorsReason: String?
  /// Disentanglement metrics; nil if not asked for, or where no factors are known.
  public var metrics: RunMetrics?
  /// Common estimators of the three terms beside their exact values; nil in the short form, and for deterministic codes.
  public var audit: EstimatorAudit?
  /// The marginal likelihood of some images; nil if not asked for, and for deterministic codes.
  public var likelihood: MarginalLikelihood?
  /// Bounds of log p(x) that `disentangle likelihood` measured for these parameters; nil if it has not.
  public var bounds: LikelihoodBounds?
  /// The decoder's rate–distortion curve, from the same file.
  public var decoderCurve: DecoderCurve?
  /// How prior and aggregate posterior overlap, from the same file.
  public var coverage: PriorCoverage?
  /// Which images training saw; nil for all, equally often, and in the short form.
  public var sampling: Sampling?
  /// The run in the rate–distortion plane.
  public var rateDistortion: RateDistortionPoint
  /// What training logged; nil where there is no log.
  public var training: TrainingHistory?
  /// Why there is no history.
  public var trainingReason: String?
  /// What the figures of images show.
  var pictures: ReportImages.Facts
  /// The figures in the order of the page.
  public var figures: [FigureNote]

  enum CodingKeys: String, CodingKey {
    case form, title, run, decomposition, findings, latents, pairwise, factors, metrics, audit, likelihood, bounds,
      coverage, sampling, training, pictures, figures
    case decoderCurve = "decoder_curve"
    case factorsReason = "factors_reason"
    case rateDistortion = "rate_distortion"
    case trainingReason = "training_reason"
  }

  /// Whether this is the full form.
  public var isFull: Bool { form != .short }

  /// The contents as JSON: indented, keys in alphabetical order, so that equal reports are equal files.
  public func json() throws -> Data { try ReportJSON.encode(self) }
}

extension ReportContents {
  /// Reads `report.json` back.
  ///
  /// - Throws: `StructuredError` if the file is not one.
  public init(reading path: String) throws { self = try ReportJSON.decode(path) }
}
