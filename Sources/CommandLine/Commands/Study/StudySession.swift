import ArgumentParser
import Diagnostics
import Experiment
import Foundation
import Reports
import Studies
import Synchronization
import TensorCore

/// Workers on a study in this process, with their progress.
struct StudySession {
  let plan: StudyPlan
  let folder: StudyFolder
  private let components: Components
  private let options: StudyWorker.Options
  private let measuring: StudyWorker.Measuring
  let terminal: ProgressTerminal

  /// As many workers as there are available processors for.
  static func workers(for plan: StudyPlan) -> Int { max(1, Device.availableThreads / plan.study.threads) }

  init(
    _ plan: StudyPlan, at path: String, _ components: Components, _ study: StudyOptions,
    _ training: StudyTrainingOptions
  ) throws {
    (self.plan, self.components) = (plan, components)
    let logger = ConsoleLogHandler.logger(level: max(training.logLevel, .warning))
    measuring = try StudyWorker.measuring(plan.study.measure, components: components, logger: logger)
    folder = try StudyFolder(for: plan, at: path)
    var options = StudyWorker.Options()
    (options.patience, options.retries, options.logger) = (study.patience, training.retry, logger)
    options.elsewhere = try FinishedElsewhere(in: training.sources, components: components)
    self.options = options
    terminal = training.logLevel <= .info ? .standardError() : .silent
  }

  /// Works until no run is left to take, or a signal asks to stop.
  ///
  /// - Throws: `ExitCode` 128 + the signal's number if one asked to stop, `ExitCode` 1 if runs failed or a worker was stuck.
  func work(workers count: Int, limit: Int? = nil) throws {
    let done = plan.runs.filter { folder.isFinished($0.digest) }.count
    announce(
      "\(plan.study.name): \(Format.grouped(plan.runs.count)) runs, \(Format.grouped(done)) finished before; "
        + "\(count) at once, \(plan.threadsEach) → \(folder.path)")
    let stop = StopRequest()
    let signals = SignalSources(stop)
    defer { signals.end() }
    let progress = StudyProgress(plan, finished: done, terminal: terminal), datasets = SharedDatasets()
    let endings = Mutex<[Result<StudyWorker.Ending, any Error>]>([])
    let group = DispatchGroup()
    var options = options
    if let limit { options.limit = limit }
    for _ in 0..<min(count, plan.runs.count) {
      let worker = StudyWorker(
        plan, in: folder, components: components, datasets: datasets, options: options, stop: stop,
        measure: measuring, observe: { progress.note($0) })
      // A thread of its own: workers block for hours, and stacks of the pool's threads are small.
      group.enter()
      let thread = Thread {
        let ending = Result { try worker.work() }
        endings.withLock { $0.append(ending) }
        group.leave()
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    group.wait()
    progress.finish()
    let failures = progress.failures
    for failure in failures { try? StandardStream.error.writeLine("failed: \(failure)".escapingControls()) }
    var isStuck = false, isSpent = false
    for ending in endings.withLock({ $0 }) {
      switch try ending.get() {
      case .stuck(let reason):
        isStuck = true
        try? StandardStream.error.writeLine("error: a worker stopped: \(reason)".escapingControls())
      case .spent: isSpent = true
      case .complete, .stopped: break
      }
    }
    announce(StudyStatus(of: plan, in: folder, patience: options.patience).summary)
    if isSpent, let hours = plan.study.coreHours {
      announce("The budget of \(Format.value(hours)) core hours is used: no further run is begun.")
    }
    if let signal = stop.signal {
      announce("Stopped; checkpoints are saved. The same command continues.")
      throw ExitCode(128 + signal)
    }
    if isStuck || !failures.isEmpty { throw ExitCode(1) }
  }
}

/// The progress of all workers of a process, in runs: "12 of 72 runs finished, 2 at work, 17 %, 1:10:23 left".
///
/// Sendable because every access holds the lock.
final class StudyProgress: @unchecked Sendable {
  private let lock = Mutex(())
  private let terminal: ProgressTerminal
  private let runs: Int
  private let start = ContinuousClock.now
  private let finishedBefore: Int
  private var finished: Int
  private var failed: [String] = []
  /// The part of each run at work that is done here, and what was done of it before.
  private var parts: [String: (part: Double, before: Double)] = [:]
  /// What was not done here of runs that were finished here: all of those that were taken over.
  private var before = 0.0
  private var lastShown = -Double.infinity
  private var lineIsOpen = false

  init(_ plan: StudyPlan, finished: Int, terminal: ProgressTerminal) {
    (runs, self.finished, finishedBefore, self.terminal) = (plan.runs.count, finished, finished, terminal)
  }

  /// The runs that failed, with their errors.
  var failures: [String] { lock.withLock { _ in failed } }

  func note(_ event: StudyWorker.Event) {
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    lock.withLock { _ in
      switch event {
      case .began(let run, let steps, let after):
        let part = Double(after) / Double(max(1, steps))
        parts[run.digest] = (part, part)
      case .advanced(let run, let step, let steps): parts[run.digest]?.part = Double(step) / Double(max(1, steps))
      case .measuring: break
      case .finished(let run, let time):
        let part = parts.removeValue(forKey: run.digest)
        before += part?.before ?? 1
        finished += 1
        message(
          "[\(Format.grouped(finished))/\(Format.grouped(runs))] \(run.label): "
            + (part == nil ? "taken over" : Format.duration(time)))
      case .failed(let run, let error):
        parts[run.digest] = nil
        failed.append("\(run.label): \(error)")
        message("failed: \(run.label)")
      }
      guard seconds - lastShown >= (terminal.isInteractive ? 0.5 : 30) else { return }
      lastShown = seconds
      let line = line(after: seconds)
      terminal.write(terminal.isInteractive ? "\r\(line.prefix(terminal.width() - 1))\u{1B}[K" : line + "\n")
      lineIsOpen = terminal.isInteractive
    }
  }

  private func message(_ text: String) {
    terminal.write((lineIsOpen ? "\r\u{1B}[K" : "") + text.escapingControls() + "\n")
    lineIsOpen = false
  }

  private func line(after seconds: Double) -> String {
    let done = Double(finished) + parts.values.reduce(0) { $0 + $1.part }
    let here = done - Double(finishedBefore) - before - parts.values.reduce(0) { $0 + $1.before }
    // Over the whole time: in short times, training and measuring alternate.
    let left = here > 0 && seconds > 20 ? ", \(Format.duration((Double(runs) - done) * seconds / here)) left" : ""
    return "\(Format.grouped(finished)) of \(Format.grouped(runs)) runs finished, \(parts.count) at work, "
      + "\(Int(100 * done / Double(runs))) %\(left)"
  }

  func finish() {
    lock.withLock { _ in
      if lineIsOpen { terminal.write("\n") }
      lineIsOpen = false
    }
  }
}
