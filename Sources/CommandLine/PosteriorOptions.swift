import ArgumentParser
import Experiment
import RateDecomposition
import TensorCore

/// The posteriors that a command is about, and how their rate is decomposed.
struct PosteriorOptions: ParsableArguments {
  @Argument(help: "The folder of a run.")
  var folder: String?

  @Option(help: "An HDF5 or NPZ file of posteriors, instead of a run.")
  var posterior: String?

  @Option(help: "The number of samples of the aggregate posterior (default: report.samples of the run, or 10000).")
  var samples: Int?

  @Option(help: "The seed of the samples (default: the seed of the run, or 0).", transform: readSeed)
  var seed: Int?

  func validate() throws {
    if (folder == nil) == (posterior == nil) {
      throw ValidationError("Give either the folder of a run or a file with --posterior.")
    }
    if let samples, !(2...10_000_000).contains(samples) {
      throw ValidationError("--samples must be from 2 to 10000000, not \(samples)")
    }
  }

  /// The posteriors with the exact decomposition of their rate.
  ///
  /// - Parameter batchSize: the batch size of the minibatch estimates; nil for that of the run, or 64.
  /// - Throws: `StructuredError` if the run or the file cannot be read.
  func decomposed(
    _ components: Components, batchSize: Int?, device: Device, _ computing: ComputingOptions
  ) throws -> (posterior: PosteriorTable, decomposition: RateDecomposition) {
    if let posterior {
      let file = try PosteriorFile(reading: posterior)
      var options = RateDecomposition.Options()
      options.samples = samples ?? options.samples
      options.seed = seed.map(UInt64.init) ?? options.seed
      options.batchSize = batchSize ?? options.batchSize
      return (
        file.posterior, try RateDecomposition(of: file.posterior, fixed: file.samples, options: options, on: device)
      )
    }
    let run = try TrainedRun(at: folder ?? "", components: components, on: device)
    var settings = run.settings
    settings.report.samples = samples ?? settings.report.samples
    settings.training.batchSize = batchSize ?? settings.training.batchSize
    settings.seed = seed ?? settings.seed
    let encoded = try encode(run, settings, device: device, computing)
    return (encoded.posterior, try encoded.decomposition(logger: computing.logger))
  }
}
