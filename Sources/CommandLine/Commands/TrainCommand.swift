import ArgumentParser
import Experiment
import Foundation
import Reports
import StrictConfiguration

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a model, then decompose its KL rate.",
    discussion: """
      The run is a folder: config.yaml, metrics.jsonl, checkpoint.safetensors, weights.safetensors, posteriors.h5, \
      report/ (index.html, report.json, report.md, figures/), and with --set training.tensorboard=true \
      events.out.tfevents for TensorBoard. Ctrl-C (SIGINT, exit code 130) and SIGTERM (143) save a checkpoint; --resume \
      continues bit for bit. Results go to standard output, progress to standard error.
      """)

  @OptionGroup var configuration: ConfigurationOptions
  @OptionGroup var device: DeviceOptions
  @OptionGroup var logging: LoggingOptions

  @Option(name: .shortAndLong, help: "The run's folder (default: runs/NAME, from the configuration's name).")
  var output: String?

  @Option(help: "The seed of all random numbers (overrides the configuration's).")
  var seed: Int?

  @Flag(help: "Continue a run that was stopped; start it if there is none.")
  var resume = false

  @Flag(help: "After training, also print a profile of the time of a step.")
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

    // A report that may not be replaced is an error now, not after training.
    try Report.requireWritable(run.folder.reportFolder)
    if run.isComplete {
      announce(
        "The run in \(run.folder.path) is complete after step \(run.trainer.step): there is nothing left to train.")
    } else {
      try run.trainToTheEnd(settings, profiling: profile)
    }
    let trained = try TrainedRun(at: run.folder.path, on: device)
    guard try !Report.exists(of: trained) else {
      return announce(
        "Its report exists already. Print the decomposition: disentangle decompose \(run.folder.path)")
    }
    let report = try writeShortReport(of: run.folder.path, on: run.dataset, device: device, logging.logger)
    announce(
      """

      \(report.decompositionText)

      The run is in \(run.folder.path): weights.safetensors, posteriors.h5, report/index.html, report/report.md, \
      report/report.json
      """)
  }
}
