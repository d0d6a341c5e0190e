import ArgumentParser
import Codes
import Experiment

struct DecodeCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode", abstract: "Decode codes from a file into images.",
    discussion: """
      disentangle decode runs/quickstart --codes codes.npz --output images.h5
      disentangle decode runs/quickstart --codes codes.npz --output grid.png --columns 7
      disentangle decode runs/quickstart --codes codes.h5 --array sampled_codes --output images

      The output holds images [N, H, W, C] float32: the means of p(x|z), which are probabilities for a Bernoulli \
      likelihood. A name that ends in .png is written as one grid, a name without an ending as a new folder with one PNG \
      per image.
      """)

  @Argument(help: "The folder of a run.", completion: .directory)
  var folder: String

  @Option(help: "An HDF5 or NPZ file with codes [N, D].", completion: .file())
  var codes: String

  @Option(help: "The array of codes in the file.")
  var array = "codes"

  @OptionGroup var output: ImagesOutputOptions
  @OptionGroup var computing: ComputingOptions

  func run(_ components: Components) throws {
    let device = computing.device
    let trained = try TrainedRun(at: folder, components: components, on: device)
    let destination = try output.open()
    let run = try CodingRun(trained, on: device)
    var show: ((Int) -> Void)?
    let count = try run.decode(codes, array: array, to: destination, overwrite: output.force) { done, count in
      show = show ?? computing.progress(of: count)
      show?(done)
    }
    try StandardStream.output.writeLine("\(output.output): \(count) images of \(run.model.image)")
  }
}
