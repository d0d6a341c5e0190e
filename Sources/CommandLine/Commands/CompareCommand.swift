import ArgumentParser
import Diagnostics
import Experiment
import FileFormats
import Reports

struct CompareCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Compare runs: a table and overlaid figures, seeds as mean ± standard deviation.",
    discussion: """
      Runs whose configurations differ in nothing but name and seed are one group. A run that has been reported \
      (disentangle report RUN) is taken from its report; others are measured here, which takes as long as a report.
      """)

  @Argument(help: "The folders of runs.", completion: .directory)
  var folders: [String]

  @Option(name: .shortAndLong, help: "The folder to write.")
  var output = "comparison"

  @OptionGroup var measuring: ReportMeasuringOptions
  @OptionGroup var device: DeviceOptions

  func run(_ components: Components) throws {
    let device = device.device
    try Comparison.requireWritable(output)
    // All are opened first: a name that is wrong shows at once.
    let runs = try folders.map { try TrainedRun(at: $0, components: components, on: device) }
    if let twice = Dictionary(grouping: runs.map(\.folder.path), by: { $0 }).first(where: { $1.count > 1 })?.key {
      throw StructuredError("the run is named twice", at: twice, expected: "different runs")
    }
    let reports = try runs.map { run in
      let known = try ReportContents.existing(of: run)
      return (
        path: run.folder.path,
        contents: try known
          ?? measureReport(run, measuring.options, on: device, naming: "\(run.folder.path): ").contents
      )
    }
    let comparison = try Comparison(reports)
    try comparison.write(to: output)
    try StandardStream.output.writeLine(comparison.text)
    try StandardStream.output.writeLine(
      "\nThe comparison is in \(output): open \(PathParts.join(output, "index.html"))")
  }
}
