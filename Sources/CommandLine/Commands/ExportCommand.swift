import ArgumentParser
import Experiment
import FileFormats
import Foundation
import Reports

/// `disentangle export …`: converts a run for other programs.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Export a run: a notebook, a latent explorer, weights, or ONNX models.",
    subcommands: [ExportNotebook.self, ExportExplorer.self, ExportSafetensors.self, ExportONNX.self])
}

struct ExportExplorer: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "explorer", abstract: "Export an HTML page with a slider for each latent that runs the decoder.",
    discussion: "The page is one self-contained file. `disentangle report` writes it too.")

  @Argument(help: "The folder of a run.")
  var folder: String

  @Option(name: .shortAndLong, help: "The file to write (default: explorer.html in the folder of the run).")
  var output: String?

  @Flag(help: "Replace the file if it exists. The default file in the folder of the run is replaced without it.")
  var force = false

  @OptionGroup var computing: ComputingOptions

  func run(_ components: Components) throws {
    let device = computing.device
    let run = try TrainedRun(at: folder, components: components, on: device)
    let path = output ?? PathParts.join(run.folder.path, "explorer.html")
    try FileKind.html.requireWritable(path, force: force || output == nil)
    let dataset = try run.settings.dataset.open(on: device)
    let model = try run.model(for: dataset, on: device)
    let posterior = try PosteriorCache(of: run, for: dataset).posterior(
      of: dataset, by: model, logger: computing.logger, progress: computing.progress(of: dataset.count))
    try LatentExplorer.write(
      model, on: dataset, posterior: posterior, title: run.settings.title(on: dataset), to: path)
    try StandardStream.output.writeLine(path)
  }
}

struct ExportNotebook: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "notebook", abstract: "Export a Jupyter notebook that draws the figures of the report.",
    discussion: """
      The notebook NAME.ipynb reads its data from NAME.h5 beside it and requires numpy, h5py, matplotlib and pandas. The \
      run is measured as by `disentangle report`.
      """)

  /// Where the notebook of a name is written; makes the folder.
  static func defaultPath(_ name: String) -> String {
    // If it cannot be made, writing says so.
    try? FileManager.default.createDirectory(atPath: "notebooks-export", withIntermediateDirectories: true)
    return "notebooks-export/\(name).ipynb"
  }

  @Argument(help: "The folder of a run.", completion: .directory)
  var folder: String

  @Option(name: .shortAndLong, help: "The notebook to write (default: notebooks-export/NAME.ipynb).")
  var output: String?

  @Flag(help: "Replace the notebook if it exists.")
  var force = false

  @OptionGroup var measuring: ReportMeasuringOptions
  @OptionGroup var computing: ComputingOptions

  func run(_ components: Components) throws {
    let device = computing.device
    let run = try TrainedRun(at: folder, components: components, on: device)
    let path = output ?? Self.defaultPath(run.settings.name)
    try Report.requireWritableNotebook(path, overwrite: force)
    try measureReport(run, measuring.options, on: device, computing).writeNotebook(to: path, overwrite: force)
    try StandardStream.output.writeLine(path)
  }
}
