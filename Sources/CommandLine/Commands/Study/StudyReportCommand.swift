import ArgumentParser
import Diagnostics
import Experiment
import FileFormats
import Foundation
import Studies
import StudyReports
import TensorCore

/// How a study is analysed.
struct StudyAnalysisOptions: ParsableArguments {
  @Option(help: "The seed of the bootstrap (default: 0).", transform: readSeed)
  var seed = 0

  /// The report of a study, and the runs it is made from, with UDR where posteriors are kept.
  func report(
    of plan: StudyPlan, in folder: StudyFolder, _ study: StudyOptions
  ) throws -> (report: StudyReport, table: StudyTable) {
    let table = try StudyRanking.ranked(
      StudyTable(of: plan, in: folder, patience: study.patience), in: folder, on: Device())
    return (try StudyReport(name: plan.study.name, table, seed: seed), table)
  }
}

struct StudyReportCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Analyse the finished runs of a study.",
    discussion: """
      The report is a folder: index.html, report.md, report.json, and figures/ with every figure as SVG, PDF and PNG. It says \
      how scores are distributed by objective and strength, how they correlate with each other and with the exact total \
      correlation, what part of their variance objectives, strengths and seeds explain, and which model would be chosen \
      without labels; with keep: posteriors by UDR too. A study that is not finished is reported as it is.
      """)

  @OptionGroup var study: StudyOptions

  @Option(
    name: .customLong("report"), help: "The folder to write (default: report/ in the folder of the study).")
  var reportFolder: String?

  @OptionGroup var analysis: StudyAnalysisOptions

  func run(_ components: Components) throws {
    let plan = try study.plan(components), folder = try StudyFolder(reading: study.folder(of: plan))
    let path = reportFolder ?? PathParts.join(folder.path, "report")
    try StudyReport.requireWritable(path)
    let (report, _) = try analysis.report(of: plan, in: folder, study)
    try report.write(to: path)
    try StandardStream.output.writeLine(
      "\(report.text)\n\nThe report is in \(path): open \(PathParts.join(path, "index.html"))")
  }
}

struct StudyNotebookCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "notebook", abstract: "Write a Jupyter notebook that draws the figures of a study.",
    discussion: """
      The notebook NAME.ipynb reads its data from two files beside it: NAME.csv, the table of `study export`, and NAME.json, \
      the numbers of `study report`. It requires numpy, matplotlib and pandas.
      """)

  @OptionGroup var study: StudyOptions

  @Option(
    name: .customLong("notebook"), help: "The notebook to write (default: notebooks-export/NAME.ipynb).")
  var file: String?

  @Flag(help: "Replace the notebook and its data if they exist.")
  var force = false

  @OptionGroup var analysis: StudyAnalysisOptions

  func run(_ components: Components) throws {
    let plan = try study.plan(components), folder = try StudyFolder(reading: study.folder(of: plan))
    let path = file ?? ExportNotebook.defaultPath(plan.study.name)
    try StudyReport.requireWritableNotebook(path, overwrite: force)
    let (report, table) = try analysis.report(of: plan, in: folder, study)
    try report.writeNotebook(of: table, to: path, overwrite: force)
    try StandardStream.output.writeLine(path)
  }
}
