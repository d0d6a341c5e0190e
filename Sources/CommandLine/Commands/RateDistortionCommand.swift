import ArgumentParser
import Diagnostics
import Experiment
import FileFormats
import Foundation
import RateDecomposition
import Reports
import StrictConfiguration
import Studies
import TensorCore

struct RateDistortionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rate-distortion",
    abstract: "Plot runs in the rate–distortion plane, training those of a sweep.",
    discussion: """
      STUDY is a YAML file. The keys configuration and vary (key, values), and optionally set and seeds, describe runs \
      to train; runs lists folders of existing runs. For example:

        name: beta
        configuration: configs/beta-vae.yaml
        set: [training.steps=6000]
        vary: {key: objective.beta, values: [0.5, 1, 2, 4, 8]}
        seeds: [1, 2]

      Trained runs stay in the study's folder, by default runs/NAME. If the command was stopped with Ctrl-C or killed, \
      the same command continues. The page is written to rate-distortion/ in that folder.
      """)

  @Argument(help: "The study, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
  var study: String

  @Option(name: .shortAndLong, help: "The study's folder (default: runs/NAME, from the study's name).")
  var output: String?

  @OptionGroup var device: DeviceOptions
  @OptionGroup var logging: LoggingOptions

  private typealias Measured = (point: RateDistortionPoint, decomposition: RateDecomposition)

  func run() throws {
    let device = device.device
    let study = try ConfigurationDocument(path: study).decode(RateDistortionStudy.self).value
    let root = output ?? "runs/\(study.name)"
    // Everything is opened before anything is trained: what is wrong shows at once.
    let given = try study.runs.map { try TrainedRun(at: $0, on: device) }
    let plans = try (study.sweep?.plans ?? []).map { plan in
      (
        plan: plan,
        resolved: try ConfigurationDocument(path: study.sweep?.configuration ?? "", overrides: plan.overrides)
          .decode(ExperimentConfiguration.self)
      )
    }
    do { try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true) } catch {
      throw StructuredError("cannot make the folder of the study", at: root, action: "Choose another --output.")
    }
    let page = PathParts.join(root, "rate-distortion")
    try RateDistortionReport.requireWritable(page)
    var measured: [Measured] = []
    for (number, item) in plans.enumerated() {
      let path = PathParts.join(root, item.plan.folder)
      announce("\n[\(number + 1)/\(plans.count)] \(item.plan.label) → \(path)")
      try train(item.resolved, at: path, on: device)
      var run = try measure(TrainedRun(at: path, on: device), on: device)
      run.point.label = item.plan.label
      measured.append(run)
    }
    for run in given { measured.append(try measure(run, on: device)) }
    let report = try RateDistortionReport(name: study.name, runs: measured)
    try report.write(to: page)
    try StandardStream.output.writeLine("\n" + report.text)
    try StandardStream.output.writeLine(
      "\nThe page is in \(page): open \(PathParts.join(page, "index.html"))")
  }

  /// Trains a run and writes its short report, as far as that has not been done.
  private func train(
    _ resolved: ResolvedConfiguration<ExperimentConfiguration>, at path: String, on device: Device
  ) throws {
    if let folder = try? RunFolder.open(at: path), folder.contains(.weights) {
      let run = try TrainedRun(at: path, on: device)
      let differences = try ExperimentConfiguration.differences(from: run.configuration, to: resolved.yaml)
      guard differences.isEmpty else {
        throw StructuredError(
          "the run there has another configuration: \(differences.summary)", at: path,
          expected: "the study's configuration", action: "Choose another --output.")
      }
      if try Report.exists(of: run) { return announce("It is complete already.") }
    }
    let settings = resolved.value, dataset = try settings.dataset.open(on: device)
    let run = try TrainingRun(
      resolved, at: path, resume: true, dataset: dataset, on: device, logger: logging.logger)
    if !run.isComplete { try run.trainToTheEnd(settings) }
    _ = try writeShortReport(of: run.folder.path, on: dataset, device: device, logging.logger)
  }

  /// A run's decomposition: from its report, or measured.
  private func measure(_ run: TrainedRun, on device: Device) throws -> Measured {
    let decomposition =
      try RateDecomposition(reportOf: run) ?? decompose(run, run.settings, device: device, logging.logger)
    return (try run.rateDistortionPoint(decomposition), decomposition)
  }
}
