import ArgumentParser
import Codes
import Experiment

struct SampleCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample", abstract: "Sample codes from the prior and decode them.",
    discussion: """
      disentangle sample runs/quickstart --count 100 --output samples.png
      disentangle sample runs/quickstart --count 10000 --seed 1 --output samples.h5

      The output holds codes [N, D] and images [N, H, W, C], float32: the means of p(x|z) for z ~ N(0, I). The first \
      codes of a seed do not depend on --count.
      """)

  @Argument(help: "The folder of a run.", completion: .directory)
  var folder: String

  @Option(help: "The number of images.")
  var count: Int

  @Option(help: "The seed of the codes (default: the seed of the run).", transform: readSeed)
  var seed: Int?

  @OptionGroup var output: ImagesOutputOptions
  @OptionGroup var computing: ComputingOptions

  func validate() throws {
    if !(1...100_000_000).contains(count) {
      throw ValidationError("--count must be from 1 to 100000000, not \(count)")
    }
  }

  func run(_ components: Components) throws {
    let device = computing.device
    let trained = try TrainedRun(at: folder, components: components, on: device)
    let destination = try output.open(count: count)
    let run = try CodingRun(trained, on: device)
    try run.sample(
      count, seed: seed.map(UInt64.init) ?? run.seed, to: destination, overwrite: output.force,
      progress: computing.progress(of: count))
    try StandardStream.output.writeLine("\(output.output): \(count) images of \(run.model.image)")
  }
}
