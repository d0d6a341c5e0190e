import ArgumentParser
import Experiment
import Foundation
import StrictConfiguration

struct TrainCommand: ComponentCommand {
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

  func run(_ components: Components) throws {
    let overrides = configuration.overrides + (seed.map { ["seed=\($0)"] } ?? [])
    let resolved = try ConfigurationDocument(path: configuration.config, overrides: overrides)
      .experiment(components)
    let settings = resolved.value, device = device.device
    let dataset = try settings.dataset.open(on: device)
    let run = try TrainingRun(
      resolved, at: output ?? "runs/\(settings.name)", makingParents: output == nil, resume: resume, dataset: dataset,
      on: device, logger: logging.logger)

    if run.isComplete {
      announce(
        "The run in \(run.folder.path) is complete after step \(run.trainer.step): there is nothing left to train.")
    } else {
      try run.trainToTheEnd(settings, profiling: profile)
    }
    if run.folder.hasReport {
      announce(
        "Its report is there as well. Print it, or measure anew: disentangle decompose \(run.folder.path)")
    } else {
      try report(run, settings)
    }
  }

  private func report(_ run: TrainingRun, _ settings: ExperimentConfiguration) throws {
    let report = try measureRun(run.trainer.model, on: run.dataset, settings, logging.logger)
    try report.write(into: run.folder)
    announce(
      """

      \(report.text)

      The run is in \(run.folder.path): report.md, report.json, reconstructions.png, traversals.png, \
      weights.safetensors
      """)
  }
}
