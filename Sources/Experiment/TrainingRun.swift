import Diagnostics
import FactorData
import Foundation
import Logging
import StrictConfiguration
import Synchronization
import TensorCore

/// A wish to stop, set from a signal handler's thread and read by the training loop.
public final class StopRequest: Sendable {
  private let flag = Atomic<Int32>(0)

  /// Nobody wishes to stop yet.
  public init() {}
  /// Asks to stop after the current step, on behalf of a signal.
  public func ask(for signal: Int32 = SIGINT) { flag.store(signal, ordering: .releasing) }
  /// The signal that asked last; nil while nobody has.
  public var signal: Int32? {
    let signal = flag.load(ordering: .acquiring)
    return signal == 0 ? nil : signal
  }
}

/// Training in a run folder: events, checkpoints, weights, resuming.
public final class TrainingRun {
  /// How training ended.
  public enum Ending: Sendable, Equatable {
    /// All steps were made.
    case complete
    /// Somebody asked to stop; a checkpoint was saved.
    case stopped
  }

  /// The run's folder.
  public let folder: RunFolder
  /// The trainer.
  public let trainer: Trainer
  /// What is trained on.
  public let dataset: any FactorDataset
  /// What a person should know before training goes on, as where it was resumed.
  public private(set) var notices: [String] = []

  /// Draws the pictures that TensorBoard shows, if it is asked for: called every `checkpoint_every` steps and at the end.
  public var drawPictures: (() throws -> [TensorBoardLog.Picture])?

  /// Whether there is nothing left to train: all steps are made and the weights are written.
  public var isComplete: Bool { trainer.step == trainer.steps && folder.contains(.weights) }

  private let configuration: ResolvedConfiguration<ExperimentConfiguration>
  /// The configuration as the run's folder has it.
  private let yaml: String
  private let logger: Logger
  /// This process, and the step after which it goes on, until `environment.json` has it; nil if it began the run.
  private var resuming: (environment: RunEnvironment, step: Int)?

  /// Prepares a run: a new one in a new folder, or the continuation of one that was stopped.
  ///
  /// - Parameters:
  ///   - configuration: what to do.
  ///   - path: the run's folder.
  ///   - makingParents: whether folders above it are made.
  ///   - resume: continue a run that is there; if there is none, begin one.
  ///   - components: what a configuration can name, to read the one of the run that is there.
  ///   - dataset: what to train on.
  ///   - device: where.
  ///   - logger: told of checkpoints and of what may surprise.
  /// - Throws: `StructuredError` if the folder is in the way, or the run there is of another configuration.
  public init(
    _ configuration: ResolvedConfiguration<ExperimentConfiguration>, at path: String, makingParents: Bool = false,
    resume: Bool, components: Components = Components(), dataset: any FactorDataset, on device: Device,
    logger: Logger = .silent
  ) throws {
    self.configuration = configuration
    self.logger = logger
    self.dataset = dataset
    trainer = try Trainer(configuration.value, dataset: dataset, on: device)
    guard resume, FileManager.default.fileExists(atPath: path) else {
      yaml = configuration.yaml
      folder = try RunFolder.create(
        at: path, makingParents: makingParents,
        with: [
          .configuration: Data(configuration.yaml.utf8),
          .environment: try RunEnvironment(device, commit: components.commit).json(),
        ])
      return
    }
    folder = try RunFolder.resume(at: path)
    yaml = try Self.savedConfiguration(of: folder, like: configuration.yaml, components)
    if folder.contains(.checkpoint) {
      let before = try Checkpoint.restore(
        trainer, configuration: yaml, components: components, from: folder.path(of: .checkpoint))
      notices.append("Resumed after step \(trainer.step).")
      if before.threads != "\(device.threads)" || before.level != "\(device.level)" {
        logger.warning(
          """
          The checkpoint was written with \(before.threads) threads (\(before.level)); with \(device.threads) \
          (\(device.level)) results are as good, but not the same bits.
          """)
      }
    } else {
      notices.append("There is no checkpoint yet: training begins at the beginning.")
    }
    resuming = (RunEnvironment(device, commit: components.commit), trainer.step)
    try EventLog.truncate(path: folder.path(of: .metrics), afterStep: trainer.step)
    try TensorBoardLog.truncate(path: folder.path(of: .tensorBoard), afterStep: trainer.step)
  }

  /// Adds this process to `environment.json`, before the first checkpoint that it saves in a run that another process
  /// began. A file that is missing or not understood is left as it is.
  private func recordResuming() throws {
    guard let process = resuming else { return }
    resuming = nil
    guard let data = try? folder.read(.environment),
      let beginning = try? JSONDecoder().decode(RunEnvironment.self, from: data)
    else { return }
    try folder.write(beginning.resumed(by: process.environment, afterStep: process.step).json(), as: .environment)
  }

  /// The configuration in a run's folder, which must describe the same experiment as another one. Its text may differ:
  /// earlier versions listed other keys.
  private static func savedConfiguration(
    of folder: RunFolder, like yaml: String, _ components: Components
  ) throws -> String {
    let saved = String(decoding: try folder.read(.configuration), as: UTF8.self)
    try ExperimentConfiguration.requireSame(
      saved, yaml, components, what: "the run has another configuration", at: folder.path(of: .configuration),
      expected: "the configuration the run was begun with",
      action: "Resume with the same configuration, seed and --set, or choose another --output.")
    return saved
  }

  /// Trains to the end, or until asked to stop.
  ///
  /// - Parameters:
  ///   - stop: who may ask to stop.
  ///   - observe: called after every step with its result and the seconds since training began here.
  /// - Throws: `StructuredError` if the loss is not finite or a file cannot be written; the last checkpoint is intact.
  public func train(
    stop: StopRequest = StopRequest(), observe: (Trainer.StepResult, _ seconds: Double) -> Void = { _, _ in }
  ) throws -> Ending {
    let log = try EventLog(path: folder.path(of: .metrics))
    let settings = configuration.value.training
    let board = settings.tensorBoard ? try TensorBoardLog(path: folder.path(of: .tensorBoard)) : nil
    let decomposition = TrainingDecomposition(configuration.value, dataset: dataset)
    let clock = ContinuousClock()
    let start = clock.now, first = trainer.step
    while trainer.step < trainer.steps {
      if stop.signal != nil {
        try save(log, board)
        return .stopped
      }
      let result = try trainer.advance()
      let seconds = (clock.now - start) / .seconds(1)
      var row = EventLog.Row(step: result.step, [])
      if result.step % settings.logEvery == 0 || result.step == trainer.steps {
        row.values +=
          [.init("loss", result.loss)] + result.terms.map { .init($0.name, $0.value) } + [
            .init("seconds", seconds),
            .init("images_per_second", Double((result.step - first) * settings.batchSize) / max(seconds, 1e-9)),
          ]
      }
      if let decomposition, decomposition.isDue(after: result.step) {
        row.values += try decomposition.measure(trainer.model)
      }
      if !row.values.isEmpty {
        try log.append(row)
        try board?.append(row)
      }
      if let board, result.step % settings.checkpointEvery == 0 || result.step == trainer.steps {
        try board.append(try drawPictures?() ?? [], step: result.step)
      }
      observe(result, seconds)
      if result.step % settings.checkpointEvery == 0 && result.step < trainer.steps { try save(log, board) }
    }
    try save(log, board)
    try WeightsFile.write(trainer.model, configuration: yaml, to: folder.path(of: .weights))
    return .complete
  }

  private func save(_ log: EventLog, _ board: TensorBoardLog?) throws {
    // The rows first: a checkpoint presumes them.
    try log.synchronize()
    try board?.synchronize()
    try recordResuming()
    try Checkpoint.save(trainer, configuration: yaml, to: folder.path(of: .checkpoint))
    logger.debug("Saved a checkpoint after step \(trainer.step)")
  }
}
