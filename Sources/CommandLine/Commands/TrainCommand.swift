import ArgumentParser
import Experiment
import Foundation
import Reports
import StrictConfiguration

struct TrainCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a model and decompose its rate.",
    discussion: """
      The run is a folder: config.yaml, metrics.jsonl, checkpoint.safetensors, weights.safetensors, posteriors.h5, \
      report/ (index.html, report.json, report.md, figures/), and with --set training.tensorboard=true \
      events.out.tfevents for TensorBoard. SIGINT (Ctrl-C, exit code 130), SIGTERM (143) and SIGHUP (129) save a checkpoint; a second \
      Ctrl-C ends at once. --resume continues bit for bit. --no-report leaves posteriors.h5 and report/ to `disentangle report`. \
      Results go to standard output, progress to standard error.
      """)

  @OptionGroup var configuration: ConfigurationOptions
  @OptionGroup var computing: ComputingOptions

  @Option(name: .shortAndLong, help: "The folder of the run (default: runs/NAME, from the name in the configuration).")
  var output: String?

  @Option(help: "The seed of all random numbers (overrides the configuration).", transform: readSeed)
  var seed: Int?

  @Flag(help: "Resume an interrupted run, or start it if it does not exist.")
  var resume = false

  @Flag(help: "Also print a time profile of a training step.")
  var profile = false

  @Flag(help: "End with the training, without encoding all images and decomposing the rate.")
  var noReport = false

  func run(_ components: Components) throws {
    let overrides = configuration.overrides + (seed.map { ["seed=\($0)"] } ?? [])
    let resolved = try ConfigurationDocument(path: configuration.config, overrides: overrides)
      .experiment(components)
    let settings = resolved.value, device = computing.device
    let dataset = try settings.dataset.open(on: device)
    let run = try TrainingRun(
      resolved, at: output ?? "runs/\(settings.name)", makingParents: output == nil, resume: resume,
      components: components,
      dataset: dataset, on: device, logger: computing.logger)

    // A report that may not be replaced is an error now, not after training.
    if !noReport { try Report.requireWritable(run.folder.reportFolder) }
    if run.isComplete {
      announce(
        "The run in \(run.folder.path) is complete after step \(run.trainer.step).")
    } else {
      try run.trainToTheEnd(settings, computing, profiling: profile)
    }
    if noReport {
      return announce("The run is in \(run.folder.path). Write its report: disentangle report \(run.folder.path)")
    }
    let trained = try TrainedRun(at: run.folder.path, components: components, on: device)
    guard try !Report.exists(of: trained) else {
      return announce(
        "Its report exists already. Print the decomposition: disentangle decompose \(run.folder.path)")
    }
    let report = try writeShortReport(of: run.folder.path, components, on: run.dataset, device: device, computing)
    announce(
      """

      \(report.decompositionText)

      The run is in \(run.folder.path): weights.safetensors, posteriors.h5, report/index.html, report/report.md, \
      report/report.json
      """)
  }
}
