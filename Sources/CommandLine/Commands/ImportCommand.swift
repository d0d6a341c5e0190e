import ArgumentParser
import Experiment
import FileFormats

/// `disentangle import …`: what was made elsewhere, as a run.
struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Make a run of weights that were trained elsewhere.",
    subcommands: [ImportSafetensors.self])
}

struct ImportSafetensors: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "safetensors", abstract: "Make a run of weights in a safetensors file.",
    discussion: """
      Every command then works on the run as if it had been trained here: report, compare, decompose, export. Layouts: \
      pytorch, as `disentangle export safetensors` writes; disentangling-vae, the models of that repository, whose \
      encoders interleave means and log-variances; disentangle, a run's weights.safetensors. A file that this program \
      wrote says itself what it is. Of others the run's config.yaml says where the weights came from, and nothing about \
      training; what is known can be said with --set.

        disentangle import safetensors model.safetensors --architecture burgess --output runs/model
        disentangle import safetensors btcvae.safetensors --architecture burgess --layout disentangling-vae \\
          --output runs/btcvae
      """)

  @Argument(help: "The file.", completion: .file(extensions: ["safetensors"]))
  var file: String

  @Option(help: "The architecture, as `disentangle list architectures` shows them (default: what the file says).")
  var architecture: String?

  @Option(
    help: """
      How tensors are named and ordered: \(WeightsLayout.allValueStrings.joined(separator: ", ")) (default: what the file \
      says, or pytorch).
      """)
  var layout: WeightsLayout?

  @Option(help: "D, the number of latents (default: what the file says, or its shapes).")
  var latents: Int?

  @Option(
    help: """
      What the decoder's output means: bernoulli, {name: gaussian, standard_deviation: 0.1}, {name: laplace, scale: 0.1} \
      (default: what the file says, or bernoulli).
      """)
  var likelihood: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Say more, as dataset.path=data.h5, objective.name=vae. Repeatable.", valueName: "key=value"))
  var overrides: [String] = []

  @Option(name: .shortAndLong, help: "The run's folder.")
  var output: String

  @OptionGroup var device: DeviceOptions

  func run(_ components: Components) throws {
    var options = WeightsImport.Options()
    options.architecture = architecture
    options.layout = layout
    options.latents = latents
    options.likelihood = likelihood
    options.name = PathParts(output).name
    options.overrides = overrides
    let folder = try WeightsImport(reading: file, options: options, components: components, on: device.device).write(
      to: output)
    try StandardStream.output.writeLine(folder.path)
  }
}
