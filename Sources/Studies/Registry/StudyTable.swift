import Diagnostics
import Foundation

/// The runs of a study with what is known of each: what the registry, the exported table and the report are made from.
public struct StudyTable: Sendable {
  /// One run.
  public struct Row: Sendable {
    /// The run as planned.
    public var run: PlannedRun
    /// `finished`, `failed`, `running`, `interrupted`, `waiting`, or `unreadable` where its result is damaged.
    public var state: String
    /// What is wrong, if it failed or is unreadable.
    public var error: String?
    /// Its result, if it is finished.
    public var result: RunResult?
  }

  /// The runs, in the order of the plan.
  public let rows: [Row]

  /// Reads the folder of a study.
  ///
  /// - Parameters:
  ///   - plan: the runs.
  ///   - folder: the folder of the study.
  ///   - patience: seconds without a sign of life after which nobody is taken to work on a run.
  public init(of plan: StudyPlan, in folder: StudyFolder, patience: Double) {
    let (results, unreadable) = folder.results(plan.runs.map(\.digest))
    let byDigest = Dictionary(results.map { ($0.digest, $0) }) { first, _ in first }
    let errors = Dictionary(unreadable.map { ($0.digest, $0.error) }) { first, _ in first }
    rows = plan.runs.map { run in
      if let result = byDigest[run.digest] { return Row(run: run, state: "finished", error: nil, result: result) }
      if let error = errors[run.digest] { return Row(run: run, state: "unreadable", error: error, result: nil) }
      switch folder.state(of: run.digest, patience: patience) {
      case .failed(let error): return Row(run: run, state: "failed", error: error, result: nil)
      case .running: return Row(run: run, state: "running", error: nil, result: nil)
      case .interrupted: return Row(run: run, state: "interrupted", error: nil, result: nil)
      case .finished, .waiting: return Row(run: run, state: "waiting", error: nil, result: nil)
      }
    }
  }

  private init(rows: [Row]) { self.rows = rows }

  /// The table with further scores of runs, by their digests.
  public func adding(_ scores: [String: [RunResult.Score]]) -> StudyTable {
    StudyTable(
      rows: rows.map { row in
        var row = row
        row.result?.scores += scores[row.run.digest] ?? []
        return row
      })
  }

  /// The rows of finished runs.
  public var finished: [(run: PlannedRun, result: RunResult)] {
    rows.compactMap { row in row.result.map { (row.run, $0) } }
  }

  /// The keys of all axes, those of all runs first.
  private var keys: [String] {
    var keys: [String] = []
    for key in rows.flatMap({ ($0.run.common + $0.run.strength).map(\.key) }) where !keys.contains(key) {
      keys.append(key)
    }
    return keys
  }

  /// The long table as CSV, with a header: one line for each score of each finished run, as pandas and R read it. A value
  /// that is undefined is empty.
  public func csv() -> String {
    let keys = keys
    let header =
      ["digest", "variant", "objective", "dataset", "strength", "seed", "collapsed"] + keys
      + ["score", "value", "standard_error"]
    var lines = [header.map { $0.csvCell() }.joined(separator: ",")]
    for (run, result) in finished {
      let settings = Dictionary((run.common + run.strength).map { ($0.key, $0.value) }) { first, _ in first }
      let head =
        [run.digest, run.variant, result.objective, result.dataset, run.strengthLabel].map { $0.csvCell() }
        + ["\(run.seed)", "\(result.isCollapsed)"] + keys.map { (settings[$0] ?? "").csvCell() }
      for score in result.values {
        let cells = [
          score.name.csvCell(), score.value.map { "\($0)" } ?? "", score.standardError.map { "\($0)" } ?? "",
        ]
        lines.append((head + cells).joined(separator: ","))
      }
    }
    return lines.joined(separator: "\n")
  }
}
