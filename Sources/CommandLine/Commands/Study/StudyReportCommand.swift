import ArgumentParser
import Diagnostics
import Experiment
import FileFormats
import Foundation
import Reports
import Studies
import TensorCore

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

  @Option(help: "The seed of the bootstrap (default: 0).", transform: readSeed)
  var seed = 0

  func run(_ components: Components) throws {
    let plan = try study.plan(components), folder = try StudyFolder(reading: study.folder(of: plan))
    let path = reportFolder ?? PathParts.join(folder.path, "report")
    try StudyReport.requireWritable(path)
    let table = try StudyRanking.ranked(
      StudyTable(of: plan, in: folder, patience: study.patience), in: folder, on: Device())
    let report = try StudyReport(name: plan.study.name, table, seed: seed)
    try report.write(to: path)
    try StandardStream.output.writeLine(
      "\(report.text)\n\nThe report is in \(path): open \(PathParts.join(path, "index.html"))")
  }
}
