import Diagnostics
import Figures
import FileFormats
import Foundation
import Pages
import Studies
import TensorCore

extension FolderKind {
  /// The report of a study.
  static let studyReport = FolderKind("study-report")
}

/// The report of a study of many runs: objectives with their strengths and seeds, on one data set or several. Every
/// number has its uncertainty over runs where these are enough.
///
/// It answers the questions of Locatello et al. (2019, arXiv:1811.12359): how scores differ between objectives,
/// strengths and seeds; whether they agree; whether a low total correlation, exact or estimated from minibatches, goes
/// with high scores; how good runs are that are chosen without labels; and whether a setting is good on another data
/// set.
///
/// An objective is a variant of the study, a strength its values on the variant's own axes, a data set its values on
/// the axes of all runs.
public struct StudyReport {
  /// The numbers.
  public let contents: Contents
  /// The figures, in the order of the page.
  public let figures: [Figure]

  /// Analyses the finished runs of a study.
  ///
  /// Intervals are from 1,000 resamples, or from 2,500,000 over the number of runs, but at least 200, where that is
  /// less: they are narrow for many runs. Equal tables and seeds give equal reports.
  ///
  /// - Parameters:
  ///   - name: the study's name.
  ///   - table: its runs.
  ///   - seed: the seed of the resamples.
  ///   - resamples: how many resamples instead; fewer than 2 give no intervals.
  /// - Throws: `StructuredError` if no run is finished.
  public init(name: String, _ table: StudyTable, seed: Int, resamples: Int? = nil) throws {
    try self.init(name: name, runs: table.rows.map(StudyRun.init), seed: seed, resamples: resamples)
  }

  /// Analyses runs.
  package init(name: String, runs: [StudyRun], seed: Int, resamples: Int? = nil) throws {
    let columns = StudyColumns.all(runs)
    guard !columns.isEmpty else {
      throw StructuredError(
        "no run of the study is finished", at: name, expected: "at least one of \(Format.grouped(runs.count)) runs",
        action: "Train it first, or see why runs fail: disentangle study status")
    }
    let finished = columns.reduce(0) { $0 + $1.runs.count }
    let draws = Resamples(
      max(0, resamples ?? min(1_000, max(200, 2_500_000 / finished))),
      from: RandomStream(seed: UInt64(bitPattern: Int64(seed))).split("study report"))
    func split(_ label: String, _ index: Int = 0) -> Resamples {
      Resamples(draws.count, from: draws.stream.split(label, index))
    }
    let datasets = columns.enumerated().map { StudyAnalysis(columns: $1, resamples: split("dataset", $0)).contents }
    let choices = StudyChoices(columns: columns, resamples: split("choices"))
    var contents = Contents(
      title: "Study \(name)", seed: seed, resamples: draws.count, runs: Contents.Runs(runs), datasets: datasets,
      choices: choices.choices, transfers: choices.transfers, findings: [], figures: [])
    contents.findings =
      StudyFindings(
        runs: contents.runs, datasets: datasets, choices: contents.choices, transfers: contents.transfers
      ).sentences
    figures = StudyFigures(columns: columns, contents: contents).all
    contents.figures = figures.map(FigureNote.init)
    self.contents = contents
  }

  /// Makes sure that ``write(to:)`` may begin.
  ///
  /// - Throws: `StructuredError` if something else is there, or the folder above it is missing or not writable.
  public static func requireWritable(_ path: String) throws {
    try AtomicFolder.requireWritable(path, as: .studyReport)
  }

  /// The facts, the findings and the short tables for a terminal.
  public var text: String {
    let tables = StudyTables(contents)
    let parts =
      [contents.title.escapingControls(), String(tables.facts.text(.terminal).drop { $0 == "\n" })]
      + [contents.findings.map { "- " + $0.escapingControls() }.joined(separator: "\n")]
      + tables.short.map { $0.text(.terminal) }
    return parts.joined(separator: "\n\n")
  }

  /// Writes the folder: `index.html`, `report.md`, `report.json`, and `figures/` with each figure as SVG, PDF and PNG.
  ///
  /// - Throws: `StructuredError` if a file cannot be written; an earlier report is intact then.
  public func write(to path: String) throws {
    try ReportFolder(kind: .studyReport, name: "report").write(
      to: path, json: ReportJSON.encode(contents), document, figures)
  }
}

extension StudyReport.Contents.Runs {
  /// Counts the runs of a plan.
  init(_ runs: [StudyRun]) {
    planned = runs.count
    finished = runs.count { $0.measured != nil }
    failed = runs.count { $0.state == "failed" }
    unreadable = runs.count { $0.state == "unreadable" }
    outstanding = planned - finished - failed - unreadable
    collapsed = runs.filter { $0.measured?.isCollapsed ?? false }.map(\.label)
    failures = runs.filter { $0.state == "failed" || $0.state == "unreadable" }.map {
      Failure(run: $0.label, state: $0.state, error: $0.error)
    }
    var objectives: [String] = [], known: Set<String> = []
    for run in runs where known.insert(run.objective).inserted { objectives.append(run.objective) }
    self.objectives = objectives
    settings = Set(runs.map { [$0.objective, $0.strength] }).count
    seeds = Set(runs.map(\.seed)).sorted()
    coreHours = runs.reduce(0) { $0 + ($1.measured?.coreSeconds ?? 0) } / 3600
  }
}
