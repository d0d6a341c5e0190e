import ArgumentParser
import Autodiff
import Experiment
import Foundation
import Reports

extension TrainingRun {
  /// Trains to the end, or until a signal asks to stop: SIGINT, SIGTERM or SIGHUP, as when a terminal is closed. A second
  /// SIGINT ends the process at once; the last checkpoint is intact.
  ///
  /// - Throws: `ExitCode` 128 + the signal's number if one asked to stop, and as ``TrainingRun/train(stop:observe:)``.
  func trainToTheEnd(
    _ settings: ExperimentConfiguration, _ computing: ComputingOptions, profiling: Bool = false
  ) throws {
    let stop = StopRequest()
    let signals = SignalSources(stop)
    defer { signals.end() }
    let summary = ExperimentSummary(
      settings, trainer, dataset: dataset, output: folder.path,
      // If this trial fails, training fails too and reports the reason.
      secondsPerStep: try? Trainer.secondsPerStep(settings, dataset: dataset, on: trainer.model.device))
    announce((["\(summary)"] + notices).joined(separator: "\n"))

    if settings.training.tensorBoard {
      let pictures = TrainingImages(of: dataset, settings: settings)
      drawPictures = { [trainer] in try pictures.draw(trainer.model) }
    }
    let device = trainer.model.device, peak = profiling ? device.measuredPeak() : 0
    if profiling { trainer.profile = StepProfile() }
    let display = ProgressDisplay(
      total: trainer.steps, imagesPerStep: settings.training.batchSize, terminal: computing.terminal)
    defer { display.finish() }
    let ending = try train(stop: stop) { result, seconds in
      guard display.isDue(at: seconds) || result.step == trainer.steps else { return }
      display.update(
        step: result.step, at: seconds,
        terms: [.init("loss", result.loss)] + result.terms.map { .init($0.name, $0.value) })
    }
    display.finish()
    if let profile = trainer.profile { announce("\n" + profile.table(peak: peak)) }
    guard ending == .stopped else { return }
    announce(
      "Stopped after step \(trainer.step); the checkpoint is saved. Use --resume to continue.")
    throw ExitCode(128 + (stop.signal ?? SIGINT))
  }
}

/// Prints to standard output. The text is also in the folder of the run, so a failure to print is not an error.
func announce(_ text: String) { try? StandardStream.output.writeLine(text) }
