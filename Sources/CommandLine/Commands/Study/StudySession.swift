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
        + "\(count) at once, \(plan.study.threads) threads each → \(folder.path)")
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
    for failure in failures { try? StandardStream.error.writeLine("failed: \(failure)") }
    var isStuck = false
    for ending in endings.withLock({ $0 }) {
      if case .stuck(let reason) = try ending.get() {
        isStuck = true
        try? StandardStream.error.writeLine("error: a worker stopped: \(reason)")
      }
    }
    announce(StudyStatus(of: plan, in: folder, patience: options.patience).summary)
    if let signal = stop.signal {
      announce("Stopped; checkpoints are saved. The same command continues.")
      throw ExitCode(128 + signal)
    }
    if isStuck || !failures.isEmpty { throw ExitCode(1) }
  }
}

/// The progress of all workers of a process, in runs.
///
/// Sendable because every access holds the lock.
final class StudyProgress: @unchecked Sendable {
  private let lock = Mutex(())
  private let display: ProgressDisplay
  private let runs: Int
  private let start = ContinuousClock.now
  /// The part of each run at work that is done.
  private var parts: [String: (step: Int, steps: Int)] = [:]
  private var finished: Int
  private var failed: [String] = []

  init(_ plan: StudyPlan, finished: Int, terminal: ProgressTerminal) {
    (runs, self.finished) = (plan.runs.count, finished)
    // Runs are counted in thousandths, so that the time left follows from the speed within runs.
    display = ProgressDisplay(total: 1000 * plan.runs.count, imagesPerStep: 1, terminal: terminal)
  }

  /// The runs that failed, with their errors.
  var failures: [String] { lock.withLock { _ in failed } }

  func note(_ event: StudyWorker.Event) {
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    lock.withLock { _ in
      switch event {
      case .began(let run, let steps, let after): parts[run.digest] = (after, steps)
      case .advanced(let run, let step): parts[run.digest]?.step = step
      case .measuring: break
      case .finished(let run, let time):
        parts[run.digest] = nil
        finished += 1
        display.message("[\(Format.grouped(finished))/\(Format.grouped(runs))] \(run.label): \(Format.duration(time))")
      case .failed(let run, let error):
        parts[run.digest] = nil
        failed.append("\(run.label): \(error)")
        display.message("failed: \(run.label)")
      }
      guard display.isDue(at: seconds) else { return }
      let part = parts.values.reduce(0.0) { $0 + Double($1.step) / Double(max(1, $1.steps)) }
      display.update(
        step: Int(1000 * (Double(finished) + part)), at: seconds,
        terms: [.init("finished", Double(finished)), .init("at work", Double(parts.count))])
    }
  }

  func finish() { lock.withLock { _ in display.finish() } }
}
