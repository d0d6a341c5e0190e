import ArgumentParser
import Codes
import Experiment

struct DecodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode", abstract: "Decode codes from a file into images.",
    discussion: """
      disentangle decode runs/quickstart --codes codes.npz --output images.h5
      disentangle decode runs/quickstart --codes codes.npz --output grid.png --columns 7
      disentangle decode runs/quickstart --codes codes.h5 --array sampled_codes --output images

      Images are the means of p(x|z), probabilities for a Bernoulli likelihood: images [N, H, W, C] float32. A name \
      that ends in .png is one image of them all, a name without an ending a new folder of images.
      """)

  @Argument(help: "The folder of a run.", completion: .directory)
  var folder: String

  @Option(help: "An HDF5 or NPZ file with codes [N, D].", completion: .file())
  var codes: String

  @Option(help: "The array of codes in it.")
  var array = "codes"

  @OptionGroup var output: ImagesOutputOptions
  @OptionGroup var device: DeviceOptions

  func run() throws {
    let device = device.device
    let trained = try TrainedRun(at: folder, on: device)
    let destination = try output.open()
    let run = try CodingRun(trained, on: device)
    var show: ((Int) -> Void)?
    let count = try run.decode(codes, array: array, to: destination, overwrite: output.force) { done, count in
      show = show ?? imagesProgress(of: count)
      show?(done)
    }
    try StandardStream.output.writeLine("\(output.output): \(count) images of \(run.model.image)")
  }
}
