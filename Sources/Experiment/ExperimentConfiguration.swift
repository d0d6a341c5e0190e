import Architectures
import Diagnostics
import FactorData
import NeuralLayers
import Objectives
import RateDecomposition
import StrictConfiguration
import TensorCore

/// Everything that decides an experiment: with the same configuration and thread count come the same bits.
public struct ExperimentConfiguration: StrictlyDecodable, Sendable {
  /// The data set: a name of the registry of data sets, and the settings of its own type.
  public typealias Dataset = DatasetChoice

  /// What is trained.
  public struct Model: Sendable {
    /// The architecture's registry entry.
    public var architecture: Architecture
    /// D.
    public var latents: Int
    /// What the decoder's output means.
    public var likelihood: Likelihood
    /// How parameters begin.
    public var initializer: Initializer

    /// Reads `architecture`, `latents`, `likelihood` and `initializer`; how imported weights began may be unknown.
    init(
      from section: inout ConfigurationSection, architectures: Registry<Architecture>, isImported: Bool
    ) throws {
      architecture = try section.entry("architecture", of: architectures, default: Architecture.burgess.name)
      latents = try section.integer("latents", default: 10, in: .within(1...4096))
      likelihood = try section.named("likelihood", default: "bernoulli") { try Likelihood(from: &$0) }
      let isUnknown = isImported && !section.contains("initializer")
      initializer = isUnknown ? .glorotUniform : try section.choice("initializer", default: .glorotUniform)
    }
  }

  /// How it is trained.
  public struct Training: StrictlyDecodable, Sendable {
    /// How long: a number of steps, or of passes over the data.
    public enum Length: Sendable, Equatable {
      /// Updates of the VAE on batches drawn independently and uniformly from the whole data set.
      case steps(Int)
      /// Passes over the data, each in a new random order; the last images of a pass that fill no batch are left out.
      case epochs(Int)
    }

    /// How long; nil where it is not known, because the weights were imported.
    public var length: Length?
    /// B.
    public var batchSize: Int
    /// The VAE's optimiser.
    public var optimizer: OptimizerSettings
    /// Steps between checkpoints.
    public var checkpointEvery: Int
    /// Steps between rows of metrics.jsonl.
    public var logEvery: Int
    /// Steps between exact decompositions over a fixed part of the data; 0 for none.
    public var decomposeEvery: Int
    /// How many images that part has.
    public var decomposeImages: Int
    /// Whether a TensorBoard event file is written too.
    public var tensorBoard: Bool

    /// Reads `steps` or `epochs`, `batch_size`, `optimizer`, `checkpoint_every`, `log_every`, `decompose_every`,
    /// `decompose_images` and `tensorboard`.
    public init(from section: inout ConfigurationSection) throws {
      let steps = try section.optional("steps") { try $0.integer($1, in: .within(1...1_000_000_000)) }
      let epochs = try section.optional("epochs") { try $0.integer($1, in: .within(1...1_000_000)) }
      switch (steps, epochs) {
      case (let steps?, nil): length = .steps(steps)
      case (nil, let epochs?): length = .epochs(epochs)
      case (nil, nil):
        throw section.missing(
          "steps", or: "epochs", expected: "a number of steps, or of epochs",
          action: "Add steps: 300000, or epochs: 30.")
      case (_?, _?):
        throw section.error("and epochs are both given", at: "steps", expected: "one of them", action: "Delete one.")
      }
      batchSize = try section.integer("batch_size", default: 64, in: .within(1...1_000_000))
      optimizer = try section.named("optimizer", default: "adam") { try OptimizerSettings(from: &$0) }
      checkpointEvery = try section.integer("checkpoint_every", default: 5_000, in: .atLeast(1))
      logEvery = try section.integer("log_every", default: 100, in: .atLeast(1))
      // To encode an image takes a sixth of training on it: 64 or more images trained for every ten encoded cost 3 %.
      decomposeEvery = try section.integer(
        "decompose_every", default: max(1_000, (64_000 + batchSize - 1) / batchSize), in: .atLeast(0))
      decomposeImages = try section.integer("decompose_images", default: 10_000, in: .within(2...10_000_000))
      tensorBoard = try section.boolean("tensorboard", default: false)
    }

    private init() {
      (length, batchSize, optimizer) = (nil, 64, .standard)
      (checkpointEvery, logEvery, decomposeEvery, decomposeImages) = (5_000, 100, 0, 10_000)
      tensorBoard = false
    }

    /// Of imported weights about whose training nothing is known. The batch size is that of minibatch estimates.
    static let unknown = Training()
  }

  /// What is measured at the end.
  public struct Report: StrictlyDecodable, Sendable {
    /// S, samples of the aggregate posterior for the decomposition.
    public var samples: Int
    /// Images whose distortion is measured, with one code each.
    public var distortionImages: Int

    /// Reads `samples` and `distortion_images`.
    public init(from section: inout ConfigurationSection) throws {
      samples = try section.integer("samples", default: 10_000, in: .within(2...10_000_000))
      distortionImages = try section.integer("distortion_images", default: 10_000, in: .within(2...10_000_000))
    }

    /// What the report takes of memory at least: an hour of training is too late to learn that it is too much.
    func memory(_ latents: Int) -> [MemoryRequirement] {
      [RateDecomposition.memory(samples: samples, latents: latents, at: "report.samples")]
    }
  }

  /// What the experiment is called: one part of a path, see `FileName`.
  public var name: String
  /// Where all random numbers begin.
  public var seed: Int
  /// Where the weights came from, if they were not trained here.
  public var imported: ImportedWeights?
  /// The data set.
  public var dataset: Dataset
  /// What is trained.
  public var model: Model
  /// The objective's registry entry; nil where it is not known, because the weights were imported.
  public var objective: ObjectiveEntry?
  /// The objective's own settings.
  public var objectiveSettings: (any ObjectiveConfiguration)?
  /// How it is trained.
  public var training: Training
  /// What is measured at the end.
  public var report: Report

  /// Reads a configuration that names components of this package.
  ///
  /// - Throws: `StructuredError` for whatever is not understood.
  public init(from section: inout ConfigurationSection) throws {
    try self.init(from: &section, components: Components())
  }

  /// Reads the whole configuration.
  ///
  /// - Parameters:
  ///   - section: the root of the document.
  ///   - components: what it can name.
  /// - Throws: `StructuredError` for whatever is not understood.
  public init(from section: inout ConfigurationSection, components: Components) throws {
    name = try section.fileName("name", default: "experiment")
    seed = try section.integer("seed", default: 0, in: .atLeast(0))
    imported = section.contains("imported") ? try section.section("imported") : nil
    dataset = try section.section("dataset") { try Dataset(from: &$0, registry: components.datasets) }
    let isImported = imported != nil
    model = try section.section("model") {
      try Model(from: &$0, architectures: components.architectures, isImported: isImported)
    }
    if imported == nil || section.contains("objective") {
      (objective, objectiveSettings) = try section.section("objective") { inner in
        let entry = try inner.entry("name", of: components.objectives)
        return (entry, try entry.configuration.init(from: &inner))
      }
    }
    training = imported == nil || section.contains("training") ? try section.section("training") : .unknown
    report = try section.section("report")
  }

  /// The stream from which all others of this experiment are split.
  public var stream: RandomStream { RandomStream(seed: UInt64(seed)) }
}
