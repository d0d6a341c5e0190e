import ArgumentParser
import Experiment
import Foundation
import RateDecomposition

struct DecomposeCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "decompose", abstract: "Decompose the KL rate exactly: I(x; z), TC(z) and dimension-wise KL.",
    discussion: """
      The posteriors are those of a run, or of a file from any program: --posterior FILE, HDF5 or NPZ, with arrays \
      mean and log_variance [N, D] (float32 or float64), and optionally samples [S, D] with indices [S]. All values are in nats. \
      The posteriors of a run's images are computed once and stored in its folder as posteriors.h5.
      """)

  @OptionGroup var source: PosteriorOptions
  @OptionGroup var format: FormatOptions

  @Option(help: "The batch size of the minibatch estimates (default: that of the run, or 64).")
  var batchSize: Int?

  @OptionGroup var computing: ComputingOptions

  func validate() throws {
    if let batchSize, !(1...1_000_000).contains(batchSize) {
      throw ValidationError("--batch-size must be from 1 to 1000000, not \(batchSize)")
    }
  }

  func run(_ components: Components) throws {
    let device = computing.device
    let (_, result) = try source.decomposed(components, batchSize: batchSize, device: device, computing)
    try StandardStream.output.writeLine(format.text(DecompositionTable(result).text, json: result.json))
  }
}
