import ArgumentParser
import Codes
import Experiment

struct ScoreCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "score", abstract: "Score images by −ELBO and importance-sampled −log p(x).",
    discussion: """
      disentangle score runs/quickstart --images mine.h5 --output scores.csv
      disentangle score runs/quickstart --random 1000

      For each image, in nats: negative_elbo = reconstruction + kl; reconstruction, the mean of −log p(x|z) over \
      --samples codes from q(z|x); kl = KL(q(z|x) ‖ p(z)) in closed form; negative_log_likelihood by importance sampling \
      with the same codes; effective_sample_size of these codes, between 1 and --samples. A higher score means a more \
      surprising image. Without --images the images of the run's data set are scored. Images are read as for training: \
      uint8 (0–255, or all 0 and 1), bool, or floats from 0 to 1.
      """)

  @Argument(help: "The folder of a run.", completion: .directory)
  var folder: String

  @OptionGroup var images: ImageOptions
  @OptionGroup var rows: RowOptions

  @Option(name: .shortAndLong, help: "The file to write: NAME.csv, NAME.h5 or NAME.npz.")
  var output: String?

  @Option(help: "The number of codes per image.")
  var samples = 100

  @Option(help: "The seed of the codes and of --random (default: the seed of the run).", transform: readSeed)
  var seed: Int?

  @Flag(help: "Replace the file if it exists.")
  var force = false

  @OptionGroup var format: FormatOptions
  @OptionGroup var computing: ComputingOptions

  func validate() throws {
    if !(1...1_000_000).contains(samples) {
      throw ValidationError("--samples must be from 1 to 1000000, not \(samples)")
    }
  }

  func run(_ components: Components) throws {
    let device = computing.device
    let trained = try TrainedRun(at: folder, components: components, on: device)
    let destination = try output.map { try ImageScores.Output($0, overwrite: force) }
    let run = try CodingRun(trained, on: device)
    let data = try images.open(for: run)
    let indices = try rows.selection(seed: seed.map(UInt64.init) ?? run.seed).indices(of: data.count)
    let scores = try ImageScores(
      of: data, indices, by: run, samples: samples, seed: seed.map(UInt64.init) ?? run.seed,
      progress: computing.progress(of: indices.count))
    if let destination { try scores.write(to: destination, overwrite: force) }
    try StandardStream.output.writeLine(format.text(scores.text, json: scores.json))
    if let output { try format.note("The scores are in \(output).") }
  }
}
