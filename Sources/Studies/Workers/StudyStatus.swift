import Diagnostics

/// How far the runs of a study are, from its folder.
public struct StudyStatus: Sendable {
  /// The states of the plan's runs, in their order.
  public let states: [(run: PlannedRun, state: StudyFolder.State)]

  /// Looks at every run.
  public init(of plan: StudyPlan, in folder: StudyFolder, patience: Double) {
    states = plan.runs.map { ($0, folder.state(of: $0.digest, patience: patience)) }
  }

  /// The number of runs of which `isCounted` holds.
  private func count(_ isCounted: (StudyFolder.State) -> Bool) -> Int { states.filter { isCounted($0.state) }.count }

  /// "60 of 72 runs finished, 2 failed, 2 running, 1 interrupted, 7 waiting".
  public var summary: String {
    let failed = count { if case .failed = $0 { true } else { false } }
    let running = count { if case .running = $0 { true } else { false } }
    let others = [
      (failed, "failed"), (running, "running"), (count { $0 == .interrupted }, "interrupted"),
      (count { $0 == .waiting }, "waiting"),
    ]
    return
      (["\(Format.grouped(count { $0 == .finished })) of \(Format.grouped(states.count)) runs finished"]
      + others.filter { $0.0 > 0 }.map { "\(Format.grouped($0.0)) \($0.1)" }).joined(separator: ", ")
  }

  /// Whether every run has a result.
  public var isComplete: Bool { count { $0 == .finished } == states.count }
}
