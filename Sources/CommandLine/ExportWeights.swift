import ArgumentParser
import Experiment
import FileFormats
import ONNXExport

/// `disentangle export safetensors …`
struct ExportSafetensors: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "safetensors", abstract: "Export the weights of a run as a safetensors file.",
    discussion: """
      Tensors are float32 in PyTorch's layout, so that modules with the same names load them: encoder.conv1.weight \
      [out, in, K, K], encoder.fc1.weight [out, in], decoder.conv_transpose1.weight [in, out, K, K]; images are flattened \
      channels first. The metadata hold architecture, latents, likelihood and the configuration of the run. \
      `disentangle import safetensors` reads the file.

        disentangle export safetensors runs/quickstart --output quickstart.safetensors
      """)

  @Argument(help: "The folder of a run.", completion: .directory)
  var folder: String

  @Option(name: .shortAndLong, help: "The file to write.")
  var output: String

  @Option(help: "The names and layouts of the tensors: \(WeightsLayout.allValueStrings.joined(separator: ", ")).")
  var layout = WeightsLayout.pytorch

  @Flag(help: "Replace the file if it exists.")
  var force = false

  @OptionGroup var computing: ComputingOptions

  func run(_ components: Components) throws {
    let device = computing.device
    let run = try TrainedRun(at: folder, components: components, on: device)
    try FileKind.safetensors.requireWritable(output, force: force)
    let model = try run.model(for: try run.settings.dataset.open(on: device), on: device)
    try WeightsFile.write(
      model, configuration: run.configuration, layout: layout, to: output, overwrite: force)
    try StandardStream.output.writeLine(output)
  }
}

/// `disentangle export onnx …`
struct ExportONNX: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "onnx", abstract: "Export the encoder and the decoder of a run as ONNX models.",
    discussion: """
      The output is a folder with encoder.onnx (images [N, C, H, W] to mean and log_variance [N, D]) and decoder.onnx \
      (codes [N, D] to images [N, C, H, W], the mean of p(x|z), and for a Bernoulli likelihood also logits). N is dynamic; \
      each model contains its weights and the configuration of the run.

        disentangle export onnx runs/quickstart --output quickstart-onnx
        disentangle export onnx runs/quickstart --only decoder --output decoder.onnx
      """)

  @Argument(help: "The folder of a run.", completion: .directory)
  var folder: String

  @Option(name: .shortAndLong, help: "The folder to write, or the file with --only.")
  var output: String

  @Option(help: "Export one network only, as a file: \(ONNXNetwork.allValueStrings.joined(separator: " or ")).")
  var only: ONNXNetwork?

  @Flag(help: "Replace an earlier export.")
  var force = false

  @OptionGroup var computing: ComputingOptions

  func run(_ components: Components) throws {
    let device = computing.device
    let run = try TrainedRun(at: folder, components: components, on: device)
    if only == nil {
      try ONNXFolder.requireWritable(output, overwrite: force)
    } else {
      try FileKind.onnx.requireWritable(output, force: force)
    }
    let model = try run.model(for: try run.settings.dataset.open(on: device), on: device)
    if let only {
      let data = try only.data(of: model, name: run.settings.name, configuration: run.configuration)
      try AtomicFile.write(data, to: output, overwrite: force)
    } else {
      try ONNXFolder.write(
        model, name: run.settings.name, configuration: run.configuration, to: output, overwrite: force)
    }
    try StandardStream.output.writeLine(output)
  }
}

extension WeightsLayout: ExpressibleByArgument {}
extension ONNXNetwork: ExpressibleByArgument {}
