import ArgumentParser
import Codes
import Diagnostics
import Experiment
import FileFormats

struct EncodeCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode", abstract: "Encode images and write codes, log-variances and factors as HDF5 or NPZ.",
    discussion: """
      disentangle encode runs/quickstart --output codes.h5
      disentangle encode runs/quickstart --output codes.npz --rows 0:1000
      disentangle encode runs/quickstart --output codes.h5 --random 10000 --sample
      disentangle encode runs/quickstart --output codes.h5 --images mine.npz

      Arrays: codes and log_variances [N, D] float32, mean_kl [D] float64 in nats, index [N] and, where factors are \
      known, factors [N, K] (-1 where a value is unknown), factor_names, factor_sizes and factor_kinds [K]; with --sample \
      also sampled_codes [N, D]. In HDF5 the attributes run and step name the source. `disentangle evaluate --codes` reads \
      the file.
      """)

  @Argument(help: "The folder of a run.", completion: .directory)
  var folder: String

  @Option(name: .shortAndLong, help: "The file to write: NAME.h5 or NAME.npz.")
  var output: String

  @OptionGroup var images: ImageOptions
  @OptionGroup var rows: RowOptions

  @Flag(help: "Also sample one code per image from its posterior.")
  var sample = false

  @Option(help: "The seed of --sample and --random (default: the seed of the run).", transform: readSeed)
  var seed: Int?

  @Flag(help: "Replace the file if it exists.")
  var force = false

  @OptionGroup var computing: ComputingOptions

  func run(_ components: Components) throws {
    guard let format = ArrayFileWriter.Format(path: output) else {
      throw StructuredError(
        "the file name does not determine the format", at: output, expected: "a name that ends in .h5 or .npz")
    }
    let device = computing.device
    let trained = try TrainedRun(at: folder, components: components, on: device)
    try format.kind.requireWritable(output, force: force)
    let run = try CodingRun(trained, on: device)
    let data = try images.open(for: run)
    let indices = try rows.selection(seed: seed.map(UInt64.init) ?? run.seed).indices(of: data.count)
    try run.encode(
      data, indices, sampling: sample ? seed.map(UInt64.init) ?? run.seed : nil, to: output, overwrite: force,
      progress: computing.progress(of: indices.count))
    try StandardStream.output.writeLine(
      "\(output): the codes of \(indices.count) images in \(run.model.latents) latents")
  }
}
