import ArgumentParser
import Experiment
import FileFormats
import Foundation
import Reports

/// `disentangle export …`: a run in forms for other programs.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Take a run elsewhere: a notebook of its figures, a page to explore its latents, weights, networks.",
    subcommands: [ExportNotebook.self, ExportExplorer.self, ExportSafetensors.self, ExportONNX.self])
}

struct ExportExplorer: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explorer", abstract: "Write a page with a slider for each latent, the decoder running in it.",
    discussion: "The page is one file that needs no network. `disentangle report` writes it too.")

  @Argument(help: "The folder of a run.")
  var folder: String

  @Option(name: .shortAndLong, help: "The file to write (default: explorer.html in the folder).")
  var output: String?

  @OptionGroup var device: DeviceOptions
  @OptionGroup var logging: LoggingOptions

  func run() throws {
    let device = device.device
    let run = try TrainedRun(at: folder, on: device)
    let path = output ?? PathParts.join(run.folder.path, "explorer.html")
    try AtomicFile.requireWritable(path, overwrite: true)
    let dataset = try run.settings.dataset.open(on: device)
    let model = try run.model(for: dataset, on: device)
    let posterior = try PosteriorCache(of: run, for: dataset).posterior(
      of: dataset, by: model, logger: logging.logger, progress: imagesProgress(of: dataset.count))
    try LatentExplorer.write(
      model, on: dataset, posterior: posterior, title: run.settings.title(on: dataset), to: path)
    try StandardStream.output.writeLine(path)
  }
}

struct ExportNotebook: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "notebook", abstract: "Write a Jupyter notebook that draws the figures of a run's report.",
    discussion: """
      The notebook needs numpy, h5py, matplotlib and pandas; its data is beside it, NAME.h5 with NAME.ipynb. The run is \
      measured as by `disentangle report`.
      """)

  @Argument(help: "The folder of a run.", completion: .directory)
  var folder: String

  @Option(name: .shortAndLong, help: "The notebook to write (default: notebooks-export/NAME.ipynb).")
  var output: String?

  @Flag(help: "Replace the notebook if it exists.")
  var force = false

  @OptionGroup var measuring: ReportMeasuringOptions
  @OptionGroup var device: DeviceOptions

  func run() throws {
    let device = device.device
    let run = try TrainedRun(at: folder, on: device)
    let path = output ?? "notebooks-export/\(run.settings.name).ipynb"
    if output == nil {
      try? FileManager.default.createDirectory(atPath: "notebooks-export", withIntermediateDirectories: true)
    }
    try Report.requireWritableNotebook(path, overwrite: force)
    try measureReport(run, measuring.options, on: device).writeNotebook(to: path, overwrite: force)
    try StandardStream.output.writeLine(path)
  }
}
