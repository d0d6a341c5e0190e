import ArgumentParser
import Diagnostics
import Experiment
import FileFormats
import Reports

struct CompareCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare runs in a table and overlaid figures, seeds as mean ± standard deviation.",
    discussion: """
      Runs whose configurations differ in nothing but name and seed form one group. The numbers of a run come from its \
      full report (disentangle report RUN); a run without one is measured here, which takes as long as a report. "(3 runs)" \
      after a standard deviation says how many runs it is of.
      """)

  @Argument(help: "The folders of runs.", completion: .directory)
  var folders: [String]

  @Option(name: .shortAndLong, help: "The folder to write.")
  var output = "comparison"

  @Flag(help: "Replace a comparison of other runs. A comparison of the same runs is replaced without it.")
  var force = false

  @OptionGroup var format: FormatOptions
  @OptionGroup var measuring: ReportMeasuringOptions
  @OptionGroup var computing: ComputingOptions

  func run(_ components: Components) throws {
    let device = computing.device
    try Comparison.requireWritable(output, of: folders, force: force)
    // All are opened first: a wrong name is reported at once.
    let runs = try folders.map { try TrainedRun(at: $0, components: components, on: device) }
    if let twice = runs.map(\.folder.path).firstRepeated {
      throw StructuredError("the run is given twice", at: twice, expected: "different runs")
    }
    let reports = try runs.map { run in
      let known = try ReportContents.existing(of: run).flatMap { $0.isFull ? $0 : nil }
      return (
        path: run.folder.path,
        contents: try known
          ?? measureReport(run, measuring.options, on: device, computing, naming: "\(run.folder.path): ").contents
      )
    }
    let comparison = try Comparison(reports)
    try comparison.write(to: output)
    try StandardStream.output.writeLine(format.text(comparison.text, json: comparison.contents.json))
    try format.note("The comparison is in \(output): open \(PathParts.join(output, "index.html"))")
  }
}
