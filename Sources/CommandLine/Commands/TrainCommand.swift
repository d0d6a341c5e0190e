import ArgumentParser
import Experiment
import Foundation
import StrictConfiguration

struct TrainCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a model and decompose its rate.",
    discussion: """
      The output is a folder: config.yaml, metrics.jsonl, checkpoint.safetensors, weights.safetensors, report.json, \
      report.md, reconstructions.png, traversals.png, and with --set training.tensorboard=true an event file for \
      TensorBoard. SIGINT (Ctrl-C, exit code 130), SIGTERM (143) and SIGHUP (129) save a checkpoint; a second Ctrl-C \
      ends at once. --resume continues bit for bit. Results go to standard output, progress to standard error.
      """)

  @OptionGroup var configuration: ConfigurationOptions
  @OptionGroup var device: DeviceOptions
  @OptionGroup var logging: LoggingOptions

  @Option(name: .shortAndLong, help: "The folder of the run (default: runs/NAME, from the name in the configuration).")
  var output: String?

  @Option(help: "The seed of all random numbers (overrides the configuration).")
  var seed: Int?

  @Flag(help: "Resume an interrupted run, or start it if it does not exist.")
  var resume = false

  @Flag(help: "Also print a time profile of a training step.")
  var profile = false

  func run(_ components: Components) throws {
    let overrides = configuration.overrides + (seed.map { ["seed=\($0)"] } ?? [])
    let resolved = try ConfigurationDocument(path: configuration.config, overrides: overrides)
      .experiment(components)
    let settings = resolved.value, device = device.device
    let dataset = try settings.dataset.open(on: device)
    let run = try TrainingRun(
      resolved, at: output ?? "runs/\(settings.name)", makingParents: output == nil, resume: resume, dataset: dataset,
      on: device, components: components, logger: logging.logger)

    if run.isComplete {
      announce(
        "The run in \(run.folder.path) is complete after step \(run.trainer.step).")
    } else {
      try run.trainToTheEnd(settings, profiling: profile)
    }
    if run.folder.hasReport {
      announce(
        "It has a report. To measure it again: disentangle decompose \(run.folder.path)")
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
