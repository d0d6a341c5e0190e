import ArgumentParser
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
      report.md, reconstructions.png, traversals.png. Ctrl-C saves a checkpoint; --resume continues bit for bit.
      """)

  @OptionGroup var configuration: ConfigurationOptions
  @OptionGroup var device: DeviceOptions

  @Option(name: .shortAndLong, help: "The run's folder (default: runs/NAME, from the configuration's name).")
  var output: String?

  @Option(help: "The seed of all random numbers (overrides the configuration's).")
  var seed: Int?

  @Flag(help: "Continue a run that was stopped; if there is none, begin it.")
  var resume = false

  func run() throws {
    let overrides = configuration.overrides + (seed.map { ["seed=\($0)"] } ?? [])
    let resolved = try ConfigurationDocument(path: configuration.config, overrides: overrides)
      .decode(ExperimentConfiguration.self)
    let settings = resolved.value, device = device.device
    let dataset = try settings.dataset.open(on: device)
    let run = try TrainingRun(
      resolved, at: output ?? "runs/\(settings.name)", makingParents: output == nil, resume: resume, dataset: dataset,
      on: device)

    let perStep = try Trainer.secondsPerStep(settings, dataset: dataset, on: device)
    print(ExperimentSummary(settings, run.trainer, dataset: dataset, output: run.folder.path, secondsPerStep: perStep))
    for notice in run.notices { print(notice) }

    let stop = StopRequest()
    let sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { stop.ask() }
      source.resume()
      return source
    }
    defer { for source in sources { source.cancel() } }

    let display = ProgressDisplay(
      total: run.trainer.steps, imagesPerStep: settings.training.batchSize, terminal: .standardError())
    let ending: TrainingRun.Ending
    do {
      ending = try run.train(stop: stop) { result, seconds in
        guard display.isDue(at: seconds) else { return }
        display.update(
          step: result.step, at: seconds,
          terms: [.init("loss", result.loss)] + result.terms.map { .init($0.name, $0.value) })
      }
    } catch {
      display.finish()
      throw error
    }
    display.finish()
    guard ending == .complete else {
      print("Stopped after step \(run.trainer.step); the checkpoint is saved. Pass --resume to continue.")
      throw ExitCode(130)
    }
    for source in sources { source.cancel() }
    for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
    let report = try RunReport.measure(
      run.trainer.model, on: dataset, settings: settings, progress: reportProgress)
    try report.write(into: run.folder)
    print("\n\(report.text)\n")
    print("The run is in \(run.folder.path): report.md, report.json, reconstructions.png, traversals.png, weights.safetensors")
  }
}

/// Prints what a report is doing.
func reportProgress(_ phase: String) { FileHandle.standardError.write(Data("\(phase) …\n".utf8)) }
