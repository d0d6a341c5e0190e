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

struct RateDistortionCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "rate-distortion",
    abstract: "Plot runs in the rate–distortion plane, training those of a sweep.",
    discussion: """
      STUDY is a YAML file. configuration and vary (key, values), optionally with set and seeds, define runs to train; \
      runs lists the folders of existing runs. For example:

        name: beta
        configuration: configs/beta-vae.yaml
        set: [training.steps=6000]
        vary: {key: objective.beta, values: [0.5, 1, 2, 4, 8]}
        seeds: [1, 2]

      Trained runs are kept in the folder of the study, by default runs/NAME. If the command is interrupted or killed, \
      the same command resumes. The report is in rate-distortion/ in that folder.
      """)

  @Argument(help: "The study, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
  var study: String

  @Option(name: .shortAndLong, help: "The folder of the study (default: runs/NAME, from the name of the study).")
  var output: String?

  @Flag(
    help:
      "Draw the rate–distortion curve of each run's decoder too; kept in its folder, where it is not measured again.")
  var curves = false

  @OptionGroup var computing: ComputingOptions

  private typealias Measured = (point: RateDistortionPoint, decomposition: RateDecomposition)

  func run(_ components: Components) throws {
    let device = computing.device
    let study = try ConfigurationDocument(path: study).decode(RateDistortionStudy.self).value
    let root = output ?? "runs/\(study.name)"
    // Everything is opened before anything is trained: errors are reported at once.
    let given = try study.runs.map { try TrainedRun(at: $0, components: components, on: device) }
    let plans = try (study.sweep?.plans ?? []).map { plan in
      (
        plan: plan,
        resolved: try ConfigurationDocument(path: study.sweep?.configuration ?? "", overrides: plan.overrides)
          .experiment(components)
      )
    }
    try FolderMaking.makeFolder(root, what: "cannot create the folder of the study", at: root)
    let page = PathParts.join(root, "rate-distortion")
    try RateDistortionReport.requireWritable(page)
    var measured: [Measured] = [], decoders: [DecoderCurve?] = []
    func measureCurve(_ run: TrainedRun) throws {
      if curves { decoders.append(try curve(of: run, on: device)) }
    }
    for (number, item) in plans.enumerated() {
      let path = PathParts.join(root, item.plan.folder)
      announce("\n[\(number + 1)/\(plans.count)] \(item.plan.label) → \(path)")
      try train(item.resolved, components, at: path, on: device)
      let trained = try TrainedRun(at: path, components: components, on: device)
      var run = try measure(trained, on: device)
      run.point.label = item.plan.label
      measured.append(run)
      try measureCurve(trained)
    }
    for run in given {
      measured.append(try measure(run, on: device))
      try measureCurve(run)
    }
    let report = try RateDistortionReport(name: study.name, runs: measured, curves: decoders)
    try report.write(to: page)
    try StandardStream.output.writeLine("\n" + report.text)
    try StandardStream.output.writeLine(
      "\nThe report is in \(page): open \(PathParts.join(page, "index.html"))")
  }

  /// Trains a run and writes its short report, as far as that has not been done.
  private func train(
    _ resolved: ResolvedConfiguration<ExperimentConfiguration>, _ components: Components, at path: String,
    on device: Device
  ) throws {
    if let folder = try? RunFolder.open(at: path), folder.contains(.weights) {
      let run = try TrainedRun(at: path, components: components, on: device)
      let differences = try ExperimentConfiguration.differences(from: run.configuration, to: resolved.yaml, components)
      guard differences.isEmpty else {
        throw StructuredError(
          "the run there has another configuration: \(differences.summary)", at: path,
          expected: "the study's configuration", action: "Choose another --output.")
      }
      if try Report.exists(of: run) { return announce("It is complete already.") }
    }
    let settings = resolved.value, dataset = try settings.dataset.open(on: device)
    let run = try TrainingRun(
      resolved, at: path, resume: true, components: components, dataset: dataset, on: device, logger: computing.logger)
    if !run.isComplete { try run.trainToTheEnd(settings, computing) }
    _ = try writeShortReport(of: run.folder.path, components, on: dataset, device: device, computing)
  }

  /// The curve of a run's decoder: what `disentangle likelihood --curve` left, or measured and kept; nil for deterministic codes.
  private func curve(of run: TrainedRun, on device: Device) throws -> DecoderCurve? {
    let dataset = try run.settings.dataset.open(on: device)
    var file = try LikelihoodFile(of: run, for: dataset)
    if let stored = file.curve { return stored }
    let model = try run.model(for: dataset, on: device)
    guard model.codebook == nil else { return nil }
    let stages = StageDisplay(total: 1, terminal: computing.terminal)
    let clock = ContinuousClock(), began = clock.now
    var options = DecoderCurve.Options()
    options.seed = UInt64(run.settings.seed)
    let images = LikelihoodFile.images(options.images, of: dataset, seed: options.seed)
    let curve = try DecoderCurve(of: model, on: dataset, images: images, options: options) {
      stages.update(stage: 1, name: "rate–distortion curve", fraction: $0, at: (clock.now - began) / .seconds(1))
    }
    stages.finish()
    file.curve = curve
    do { try file.store(in: run) } catch { computing.logger.warning("The curve cannot be stored: \(error)") }
    return curve
  }

  /// A run's decomposition: from its report, or measured.
  private func measure(_ run: TrainedRun, on device: Device) throws -> Measured {
    let decomposition =
      try RateDecomposition(reportOf: run)
      ?? encode(run, run.settings, device: device, computing).decomposition(logger: computing.logger)
    return (try run.rateDistortionPoint(decomposition), decomposition)
  }
}
