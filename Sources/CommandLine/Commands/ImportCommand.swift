import ArgumentParser
import Diagnostics
import Experiment
import FileFormats

/// `disentangle import …`: creates a run from the files of other programs.
struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Create a run from weights that another program trained.",
    subcommands: [ImportSafetensors.self])
}

struct ImportSafetensors: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "safetensors", abstract: "Create a run from a safetensors file.",
    discussion: """
      All commands work on the run: report, compare, decompose, evaluate, export. Layouts: pytorch, as written by \
      `disentangle export safetensors`; disentangling-vae, the models of that repository, whose encoders interleave means \
      and log-variances; beta-tcvae, the models of that repository, whose encoders interleave means and log σ; disentangle, \
      the weights.safetensors of a run. All names may begin with a module's, as in Lightning's checkpoints. A file written by this program needs no options. \
      For other files the config.yaml of the run records the source of the weights, and nothing about training; add what \
      is known with --set.

        disentangle import safetensors model.safetensors --architecture burgess --output runs/model
        disentangle import safetensors btcvae.safetensors --architecture burgess --layout disentangling-vae \\
          --output runs/btcvae
      """)

  @Argument(help: "The safetensors file.", completion: .file(extensions: ["safetensors"]))
  var file: String

  @Option(help: "The architecture, one of `disentangle list architectures` (default: from the metadata of the file).")
  var architecture: String?

  @Option(
    help: """
      The names and layouts of the tensors: \(WeightsLayout.allValueStrings.joined(separator: ", ")) (default: from the \
      metadata of the file, or pytorch).
      """)
  var layout: WeightsLayout?

  @Option(help: "D, the number of latents (default: from the metadata of the file, or from its shapes).")
  var latents: Int?

  @Option(
    help: """
      The likelihood p(x|z): bernoulli, {name: gaussian, standard_deviation: 0.1}, {name: laplace, scale: 0.1} (default: \
      from the metadata of the file, or bernoulli).
      """)
  var likelihood: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Set a key of the configuration, as objective.name=vae. Repeatable.", valueName: "key=value"))
  var overrides: [String] = []

  @Option(name: .shortAndLong, help: "The folder of the run.")
  var output: String

  @OptionGroup var computing: ComputingOptions

  func run(_ components: Components) throws {
    var options = WeightsImport.Options()
    options.architecture = architecture
    options.layout = layout
    options.latents = latents
    options.likelihood = likelihood
    let name = PathParts(output).name
    if FileName.isValid(name) { options.name = name }
    options.overrides = overrides
    let folder = try WeightsImport(reading: file, options: options, components: components, on: computing.device).write(
      to: output)
    try StandardStream.output.writeLine(folder.path)
  }
}
