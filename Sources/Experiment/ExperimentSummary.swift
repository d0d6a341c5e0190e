import Diagnostics
import FactorData
import Foundation
import TensorCore

/// What a person reads before training begins.
public struct ExperimentSummary: CustomStringConvertible {
  /// Lines of label and text.
  public private(set) var lines: [(label: String, text: String)]

  /// Describes what a trainer is about to do.
  ///
  /// - Parameters:
  ///   - configuration: what was asked for.
  ///   - trainer: what will be trained.
  ///   - dataset: on what.
  ///   - output: the run's folder.
  ///   - secondsPerStep: measured on this machine; nil if it could not be, or there is nothing to train.
  public init(
    _ configuration: ExperimentConfiguration, _ trainer: Trainer, dataset: any FactorDataset, output: String,
    secondsPerStep: Double?
  ) {
    let model = trainer.model, training = configuration.training
    func count(_ prefix: String) -> Int {
      model.parameters.entries.filter { $0.name.hasPrefix(prefix) }.reduce(0) { $0 + $1.shape.count }
    }
    var parameters =
      "\(Format.grouped(model.parameters.count)) parameters (encoder \(Format.grouped(count("encoder"))), "
      + "decoder \(Format.grouped(count("decoder"))))"
    if let adversary = trainer.objective.adversary {
      parameters += ", adversary \(Format.grouped(adversary.parameters.count))"
    }
    let length: String
    switch training.length {
    case .steps(let steps):
      length = "\(Format.grouped(steps)) steps, batch \(training.batchSize), drawn from the whole set"
    case .epochs(let epochs):
      length = "\(epochs) epochs = \(Format.grouped(trainer.steps)) steps, batch \(training.batchSize)"
    case nil: length = "\(Format.grouped(trainer.steps)) steps"
    }
    lines = [
      ("experiment", "\(configuration.name), seed \(configuration.seed) → \(output)"),
      ("objective", configuration.objective.map { "\($0.name): \($0.equation)" } ?? "not known"),
      ("", configuration.objective?.paper ?? ""),
      (
        "architecture",
        "\(model.architecture.name), \(model.latents) \(model.latents == 1 ? "latent" : "latents"), \(model.likelihood.name) likelihood, \(parameters)"
      ),
      (
        "data",
        "\(dataset.name), \(Format.grouped(dataset.count)) images of \(dataset.imageShape), \(dataset.placement)"
      ),
      ("training", "\(length), \(training.optimizer.name)"),
      (
        "device",
        "\(model.device.threads) thread\(model.device.threads == 1 ? "" : "s"), \(model.device.level) kernels, "
          + "OpenBLAS \(Device.blasCore)"
      ),
    ]
    guard let secondsPerStep else { return }
    let remaining = trainer.steps - trainer.step
    lines.append(
      (
        "expected time",
        "\(Format.duration(Double(remaining) * secondsPerStep)) for \(Format.grouped(remaining)) steps at "
          + "\(Format.significant(secondsPerStep * 1000)) ms, then the report"
      ))
  }

  /// The lines with their labels in a column.
  public var description: String {
    lines.map { label, text in label.padding(toLength: 15, withPad: " ", startingAt: 0) + text }
      .joined(separator: "\n")
  }
}

extension Trainer {
  /// Measures how long a step takes, on a second trainer that is thrown away.
  ///
  /// - Throws: `StructuredError` as ``advance()``.
  public static func secondsPerStep(
    _ configuration: ExperimentConfiguration, dataset: any FactorDataset, on device: Device
  ) throws -> Double {
    let trainer = try Trainer(configuration, dataset: dataset, on: device)
    for _ in 0..<3 { _ = try trainer.advance() }
    let clock = ContinuousClock()
    let elapsed = try clock.measure { for _ in 0..<10 { _ = try trainer.advance() } }
    return elapsed / .seconds(10)
  }
}
