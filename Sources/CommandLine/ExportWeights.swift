import ArgumentParser
import Experiment
import FileFormats
import ONNXExport

/// `disentangle export safetensors …`
struct ExportSafetensors: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "safetensors", abstract: "Write a run's weights for PyTorch, as one safetensors file.",
    discussion: """
      Float32 in PyTorch's layouts, so that modules with the same names load them: encoder.conv1.weight [out, in, K, K], \
      encoder.fc1.weight [out, in], decoder.conv_transpose1.weight [in, out, K, K]; images are flattened channels first. \
      Metadata carry architecture, latents, likelihood and the run's configuration. \
      `disentangle import safetensors` reads it back.

        disentangle export safetensors runs/quickstart --output quickstart.safetensors
      """)

  @Argument(help: "The folder of a run.", completion: .directory)
  var folder: String

  @Option(name: .shortAndLong, help: "The file to write.")
  var output: String

  @Option(help: "How tensors are named and ordered: \(WeightsLayout.allValueStrings.joined(separator: ", ")).")
  var layout = WeightsLayout.pytorch

  @Flag(help: "Replace the file if it exists.")
  var force = false

  @OptionGroup var device: DeviceOptions

  func run(_ components: Components) throws {
    let device = device.device
    let run = try TrainedRun(at: folder, components: components, on: device)
    try AtomicFile.requireWritable(output, overwrite: force)
    let model = try run.model(for: try run.settings.dataset.open(on: device), on: device)
    try WeightsFile.write(
      model, configuration: run.configuration, layout: layout, to: output, overwrite: force)
    try StandardStream.output.writeLine(output)
  }
}

/// `disentangle export onnx …`
struct ExportONNX: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "onnx", abstract: "Write a run's networks as ONNX, for onnxruntime and other engines.",
    discussion: """
      A folder with encoder.onnx (images [N, C, H, W] to mean and log_variance [N, D]) and decoder.onnx (codes [N, D] to \
      images [N, C, H, W], the mean of p(x|z), and for a Bernoulli likelihood logits). N is any number; weights and the \
      run's configuration are inside.

        disentangle export onnx runs/quickstart --output quickstart-onnx
        disentangle export onnx runs/quickstart --only decoder --output decoder.onnx
      """)

  @Argument(help: "The folder of a run.", completion: .directory)
  var folder: String

  @Option(name: .shortAndLong, help: "The folder to write, or with --only the file.")
  var output: String

  @Option(help: "Write one network, as a file: \(ONNXNetwork.allValueStrings.joined(separator: " or ")).")
  var only: ONNXNetwork?

  @Flag(help: "Replace what was exported there before.")
  var force = false

  @OptionGroup var device: DeviceOptions

  func run(_ components: Components) throws {
    let device = device.device
    let run = try TrainedRun(at: folder, components: components, on: device)
    if only == nil {
      try ONNXFolder.requireWritable(output, overwrite: force)
    } else {
      try AtomicFile.requireWritable(output, overwrite: force)
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
