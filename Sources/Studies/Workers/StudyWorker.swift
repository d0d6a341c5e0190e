import Diagnostics
import Experiment
import FactorData
import FileFormats
import Foundation
import Logging
import RateDecomposition
import StrictConfiguration
import Synchronization
import TensorCore

/// Takes the runs of a study one after another, trains and measures them.
public final class StudyWorker: Sendable {
  /// How a worker ended.
  public enum Ending: Sendable, Equatable {
    /// There is no run left to take; others may still be at work.
    case complete
    /// Finished runs have used the study's budget; others may still be at work.
    case spent
    /// It was asked to stop; its run was saved and given back.
    case stopped
    /// Its files could not be written; its run was given back.
    case stuck(String)
  }

  /// What a worker tells of its work.
  public enum Event: Sendable {
    /// A run was taken: how many steps it has, and after which it goes on.
    case began(PlannedRun, steps: Int, resumedAfter: Int)
    /// Training came so far.
    case advanced(PlannedRun, step: Int, of: Int)
    /// A run is trained and is being measured.
    case measuring(PlannedRun)
    /// A run is finished.
    case finished(PlannedRun, seconds: Double)
    /// A run failed.
    case failed(PlannedRun, String)
  }

  /// What is measured of a trained run.
  public struct Measured: Sendable {
    /// The exact decomposition of its rate.
    public var decomposition: RateDecomposition
    /// The scores of its metrics.
    public var scores: [RunResult.Score]

    /// Gathers both.
    public init(decomposition: RateDecomposition, scores: [RunResult.Score]) {
      (self.decomposition, self.scores) = (decomposition, scores)
    }
  }

  /// Measures a trained run.
  public typealias Measuring =
    @Sendable (_ run: TrainedRun, _ dataset: any FactorDataset, _ device: Device) throws -> Measured

  private let plan: StudyPlan
  private let folder: StudyFolder
  private let components: Components
  private let datasets: SharedDatasets
  private let options: Options
  private let measure: Measuring
  private let stop: StopRequest
  private let observe: @Sendable (Event) -> Void

  /// How a worker works.
  public struct Options: Sendable {
    /// Seconds without a sign of life after which the claim of a process that cannot be seen is stale.
    public var patience = 300.0
    /// Whether runs that failed are tried once more.
    public var retries = false
    /// How many runs it takes at most.
    public var limit = Int.max
    /// Runs that need not be trained.
    public var elsewhere = FinishedElsewhere()
    /// Told what may surprise.
    public var logger = Logger.silent

    /// The usual way.
    public init() {}
  }

  /// Prepares a worker.
  ///
  /// - Parameters:
  ///   - plan: the runs.
  ///   - folder: where they are.
  ///   - components: what their configurations can name.
  ///   - datasets: opens data sets, for all workers of a process.
  ///   - options: how it works.
  ///   - stop: who may ask to stop.
  ///   - measure: measures a trained run.
  ///   - observe: told what happens.
  public init(
    _ plan: StudyPlan, in folder: StudyFolder, components: Components, datasets: SharedDatasets,
    options: Options = Options(), stop: StopRequest, measure: @escaping Measuring,
    observe: @escaping @Sendable (Event) -> Void = { _ in }
  ) {
    (self.plan, self.folder, self.components, self.datasets) = (plan, folder, components, datasets)
    (self.options, self.stop, self.measure, self.observe) = (options, stop, measure, observe)
  }

  /// Works until no run is left to take.
  ///
  /// - Throws: `StructuredError` if claims cannot be made.
  public func work() throws -> Ending {
    var retried: Set<String> = [], taken = 0, usage = Usage()
    // Claims of others may become stale while this worker works, so it looks again until it finds nothing.
    var found = true
    while found {
      found = false
      for run in plan.runs {
        if stop.signal != nil { return .stopped }
        if taken >= options.limit { return .complete }
        if folder.isFinished(run.digest) { continue }
        if folder.hasFailed(run.digest), !options.retries || retried.contains(run.digest) { continue }
        if let budget = plan.study.coreHours, usage.coreHours(of: plan, in: folder) >= budget { return .spent }
        guard let claim = try RunClaim.take(run.digest, in: folder.claims, patience: options.patience) else { continue }
        defer { claim.release() }
        // Another worker may have finished it between the two looks.
        if folder.isFinished(run.digest) { continue }
        if folder.hasFailed(run.digest) {
          guard options.retries, retried.insert(run.digest).inserted else { continue }
          folder.forgetFailure(run.digest)
        }
        (found, taken) = (true, taken + 1)
        if let ending = attempt(run, claim) { return ending }
      }
    }
    return .complete
  }

  /// The time that finished runs took; each result is read once.
  private struct Usage {
    private var hours: [String: Double] = [:]

    mutating func coreHours(of plan: StudyPlan, in folder: StudyFolder) -> Double {
      let digests = plan.runs.map(\.digest).filter { hours[$0] == nil && folder.isFinished($0) }
      let (results, unreadable) = folder.results(digests)
      for result in results { hours[result.digest] = result.coreSeconds / 3600 }
      for item in unreadable { hours[item.digest] = 0 }
      return hours.values.reduce(0, +)
    }
  }

  /// Trains and measures one run; an ending if the worker cannot go on.
  private func attempt(_ run: PlannedRun, _ claim: RunClaim) -> Ending? {
    let renewal = ClaimRenewal(claim)
    defer { renewal.end() }
    do {
      guard try complete(run, renewal) else {
        if stop.signal != nil { return .stopped }
        options.logger.warning("\(run.label): another process has taken the run over")
        return nil
      }
      return nil
    } catch {
      // Another process of this machine trains it, although its claim could not be seen.
      if (error as? StructuredError)?.what == RunFolder.busy { return nil }
      if Self.isAboutStorage(error) { return .stuck("\(error)") }
      do { try folder.write(error, of: run) } catch { return .stuck("\(error)") }
      observe(.failed(run, "\(error)"))
      return nil
    }
  }

  /// - Returns: false if it was stopped, or the run is another process's now.
  private func complete(_ run: PlannedRun, _ renewal: ClaimRenewal) throws -> Bool {
    if try takeOver(run, renewal) { return true }
    let device = Device(threads: plan.study.threads), path = folder.run(run.digest)
    let resolved = try plan.configuration(of: run).experiment(components)
    let dataset = try datasets.open(resolved, on: device)
    var steps = 0
    do {
      let training = try TrainingRun(
        resolved, at: path, resume: true, components: components, dataset: dataset, on: device, logger: options.logger)
      steps = training.trainer.steps
      observe(.began(run, steps: steps, resumedAfter: training.trainer.step))
      if !training.isComplete {
        let ownStop = StopRequest()
        let ending = try training.train(stop: ownStop) { [stop, observe, steps] result, _ in
          if let signal = stop.signal ?? (renewal.isLost ? SIGTERM : nil) { ownStop.ask(for: signal) }
          observe(.advanced(run, step: result.step, of: steps))
        }
        guard ending == .complete else { return false }
      }
    }
    if renewal.isLost { return false }
    let trained = try TrainedRun(at: path, components: components, on: device)
    let result = try result(of: run, trained, steps: steps, dataset, on: device)
    if renewal.isLost { return false }
    try result.write(to: folder.result(run.digest))
    folder.tidy(run.digest, keep: plan.study.keep)
    observe(.finished(run, seconds: result.trainingSeconds + result.measuringSeconds))
    return true
  }

  /// Takes over a run that was finished elsewhere, if there is one and its result has the metrics of this study.
  private func takeOver(_ run: PlannedRun, _ renewal: ClaimRenewal) throws -> Bool {
    guard let source = options.elsewhere.sources[run.digest], access(folder.run(run.digest), F_OK) != 0 else {
      return false
    }
    var result: RunResult
    var kept: [(RunFolder.File, Data)] = []
    let resolved = try plan.configuration(of: run).experiment(components)
    switch source {
    case .result(let path):
      result = try RunResult(reading: path)
      let lacksLikelihood = !result.scores.contains { $0.name == "log_likelihood" }
      guard result.metrics == plan.study.measure.metrics, plan.study.measure.likelihood == nil || !lacksLikelihood
      else { return false }
      // What it is called here.
      (result.variant, result.strength, result.common) = (run.variant, run.strength, run.common)
    case .run(let path):
      let device = Device(threads: plan.study.threads)
      let trained = try TrainedRun(at: path, components: components, on: device)
      let dataset = try datasets.open(resolved, on: device), state = try trained.state(for: dataset, on: device)
      result = try self.result(of: run, trained, steps: state.steps ?? 0, dataset, on: device)
      var files: [RunFolder.File] = [.environment, .metrics]
      if plan.study.keep != .nothing { files.append(.weights) }
      if plan.study.keep == .posteriors { files.append(.posteriors) }
      kept = try files.filter { trained.folder.contains($0) }.map { ($0, try trained.folder.read($0)) }
    }
    if renewal.isLost { return false }
    let files = [(.configuration, Data(resolved.yaml.utf8))] + kept
    _ = try RunFolder.create(at: folder.run(run.digest), with: Dictionary(files) { first, _ in first })
    try result.write(to: folder.result(run.digest))
    observe(.finished(run, seconds: 0))
    return true
  }

  /// Measures a trained run.
  private func result(
    of run: PlannedRun, _ trained: TrainedRun, steps: Int, _ dataset: any FactorDataset, on device: Device
  ) throws -> RunResult {
    observe(.measuring(run))
    let clock = ContinuousClock(), start = clock.now
    let measured = try measure(trained, dataset, device)
    let measuring = (clock.now - start) / .seconds(1), training = Self.trainingSeconds(in: trained.folder)
    return RunResult(
      digest: run.digest, variant: run.variant, strength: run.strength, common: run.common,
      objective: trained.settings.objective?.name ?? "", dataset: trained.settings.dataset.entry.name, seed: run.seed,
      steps: steps,
      decomposition: measured.decomposition, scores: measured.scores, metrics: plan.study.measure.metrics,
      threads: device.threads, trainingSeconds: training, measuringSeconds: measuring, version: RunEnvironment.version,
      host: ProcessIdentity.current.host, finished: Date().formatted(.iso8601))
  }

  /// Seconds of training over all processes: each begins to count at 0.
  private static func trainingSeconds(in folder: RunFolder) -> Double {
    guard let text = try? String(contentsOfFile: folder.path(of: .metrics), encoding: .utf8) else { return 0 }
    var total = 0.0, last = 0.0
    for line in text.split(separator: "\n") {
      guard let key = line.range(of: "\"seconds\":") else { continue }
      let digits = String(line[key.upperBound...].drop { $0 == " " }.prefix { !",}".contains($0) })
      guard let seconds = Double(digits) else { continue }
      if seconds < last { total += last }
      last = seconds
    }
    return total + last
  }

  /// Whether an error says that files cannot be written, which every run after this one would meet too.
  static func isAboutStorage(_ error: any Error) -> Bool {
    let reasons = [ENOSPC, EDQUOT, EFBIG, EROFS, EIO, EMFILE, ENFILE].map { String(cString: strerror($0)) }
    return reasons.contains { "\(error)".contains($0) }
  }
}

/// Renews a claim while a run is worked on.
final class ClaimRenewal: Sendable {
  private static let interval = 20.0

  private struct Timer: @unchecked Sendable {
    // Dispatch's sources may be used from any thread.
    let source: any DispatchSourceTimer
  }

  private let lost: Lost
  private let timer: Timer

  private final class Lost: Sendable {
    let flag = Atomic(false)
  }

  init(_ claim: RunClaim) {
    let lost = Lost(), source = DispatchSource.makeTimerSource(queue: .global())
    (self.lost, timer) = (lost, Timer(source: source))
    source.schedule(deadline: .now() + Self.interval, repeating: Self.interval)
    source.setEventHandler { if !claim.renew() { lost.flag.store(true, ordering: .releasing) } }
    source.resume()
  }

  /// Whether another process has the run now.
  var isLost: Bool { lost.flag.load(ordering: .acquiring) }

  func end() { timer.source.cancel() }
}
