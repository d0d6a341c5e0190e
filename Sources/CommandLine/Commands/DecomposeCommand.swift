import ArgumentParser
import Experiment
import Foundation
import RateDecomposition

struct DecomposeCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "decompose", abstract: "Decompose the KL rate exactly: I(x; z), TC(z) and dimension-wise KL.",
    discussion: """
      The posteriors are those of a run, or of a file from any program: --posterior FILE.h5 with arrays mean and \
      log_variance [N, D] (float32 or float64), and optionally samples [S, D] with indices [S]. All values are in nats. \
      The posteriors of a run's images are computed once and stored in its folder as posteriors.h5.
      """)

  @Argument(help: "The folder of a run.")
  var folder: String?

  @Option(help: "An HDF5 file of posteriors, instead of a run.")
  var posterior: String?

  @OptionGroup var format: FormatOptions

  @Option(help: "The number of samples of the aggregate posterior (default: report.samples of the run, or 10000).")
  var samples: Int?

  @Option(help: "The seed of the samples (default: the seed of the run, or 0).", transform: readSeed)
  var seed: Int?

  @Option(help: "The batch size of the minibatch estimates (default: that of the run, or 64).")
  var batchSize: Int?

  @OptionGroup var computing: ComputingOptions

  func validate() throws {
    if (folder == nil) == (posterior == nil) {
      throw ValidationError("Give either the folder of a run or a file with --posterior.")
    }
    if let samples, !(2...10_000_000).contains(samples) {
      throw ValidationError("--samples must be from 2 to 10000000, not \(samples)")
    }
    if let batchSize, !(1...1_000_000).contains(batchSize) {
      throw ValidationError("--batch-size must be from 1 to 1000000, not \(batchSize)")
    }
  }

  func run(_ components: Components) throws {
    let device = computing.device
    let result: RateDecomposition
    if let posterior {
      let file = try PosteriorFile(reading: posterior)
      var options = RateDecomposition.Options()
      options.samples = samples ?? options.samples
      options.seed = seed.map(UInt64.init) ?? options.seed
      options.batchSize = batchSize ?? options.batchSize
      result = try RateDecomposition(of: file.posterior, fixed: file.samples, options: options, on: device)
    } else {
      let run = try TrainedRun(at: folder ?? "", components: components, on: device)
      var settings = run.settings
      settings.report.samples = samples ?? settings.report.samples
      settings.training.batchSize = batchSize ?? settings.training.batchSize
      settings.seed = seed ?? settings.seed
      result = try decompose(run, settings, device: device, computing)
    }
    try StandardStream.output.writeLine(format.text(DecompositionTable(result).text, json: result.json))
  }
}
