import ArgumentParser
import Autodiff
import Dispatch
import Experiment
import FactorData
import Foundation
import Reports
import StrictConfiguration
import TensorCore

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a model, then report where its rate went.",
    discussion: """
      The run is a folder: config.yaml, metrics.jsonl, checkpoint.safetensors, weights.safetensors, report.json, \
      report.md, reconstructions.png, traversals.png, and with --set training.tensorboard=true events.out.tfevents for \
      TensorBoard. Ctrl-C (SIGINT, exit code 130) and SIGTERM (143) save a checkpoint; --resume continues bit \
      for bit. Results go to standard output, progress to standard error.
      """)

  @OptionGroup var configuration: ConfigurationOptions
  @OptionGroup var device: DeviceOptions
  @OptionGroup var logging: LoggingOptions

  @Option(name: .shortAndLong, help: "The run's folder (default: runs/NAME, from the configuration's name).")
  var output: String?

  @Option(help: "The seed of all random numbers (overrides the configuration's).")
  var seed: Int?

  @Flag(help: "Continue a run that was stopped; if there is none, begin it.")
  var resume = false

  @Flag(help: "When training ends, also show where the time of a step went.")
  var profile = false

  func run() throws {
    let overrides = configuration.overrides + (seed.map { ["seed=\($0)"] } ?? [])
    let resolved = try ConfigurationDocument(path: configuration.config, overrides: overrides)
      .decode(ExperimentConfiguration.self)
    let settings = resolved.value, device = device.device
    let dataset = try settings.dataset.open(on: device)
    let run = try TrainingRun(
      resolved, at: output ?? "runs/\(settings.name)", makingParents: output == nil, resume: resume, dataset: dataset,
      on: device, logger: logging.logger)

    if run.isComplete {
      say(
        "The run in \(run.folder.path) is complete after step \(run.trainer.step): there is nothing left to train.")
    } else {
      try train(run, settings)
    }
    if run.folder.hasReport {
      say(
        "Its report is there as well. Print it, or measure anew: disentangle decompose \(run.folder.path)")
    } else {
      try report(run, settings)
    }
  }

  /// Trains to the end, or until a signal asks to stop.
  private func train(_ run: TrainingRun, _ settings: ExperimentConfiguration) throws {
    let stop = StopRequest()
    let sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { stop.ask(for: number) }
      source.resume()
      return source
    }
    defer {
      for source in sources { source.cancel() }
      for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
    }
    let summary = ExperimentSummary(
      settings, run.trainer, dataset: run.dataset, output: run.folder.path,
      // If the trial does not come through, training itself will say better why.
      secondsPerStep: try? Trainer.secondsPerStep(settings, dataset: run.dataset, on: run.trainer.model.device))
    say((["\(summary)"] + run.notices).joined(separator: "\n"))

    if settings.training.tensorBoard {
      let pictures = TrainingPictures(of: run.dataset, settings: settings)
      run.drawPictures = { [trainer = run.trainer] in try pictures.draw(trainer.model) }
    }
    let device = run.trainer.model.device, peak = profile ? device.measuredPeak() : 0
    if profile { run.trainer.profile = StepProfile() }
    let display = ProgressDisplay(
      total: run.trainer.steps, imagesPerStep: settings.training.batchSize, terminal: .standardError())
    defer { display.finish() }
    let ending = try run.train(stop: stop) { result, seconds in
      guard display.isDue(at: seconds) || result.step == run.trainer.steps else { return }
      display.update(
        step: result.step, at: seconds,
        terms: [.init("loss", result.loss)] + result.terms.map { .init($0.name, $0.value) })
    }
    display.finish()
    if let profile = run.trainer.profile { say("\n" + profile.table(peak: peak)) }
    guard ending == .stopped else { return }
    say(
      "Stopped after step \(run.trainer.step); the checkpoint is saved. Pass --resume to continue.")
    throw ExitCode(128 + (stop.signal ?? SIGINT))
  }

  private func report(_ run: TrainingRun, _ settings: ExperimentConfiguration) throws {
    let report = try measure(run.trainer.model, on: run.dataset, settings, logging.logger)
    try report.write(into: run.folder)
    say(
      """

      \(report.text)

      The run is in \(run.folder.path): report.md, report.json, reconstructions.png, traversals.png, \
      weights.safetensors
      """)
  }
}

/// Shows text on standard output. All of it is in the run's folder too, so nothing stops where it cannot be shown.
private func say(_ text: String) { try? StandardStream.output.writeLine(text) }
