import Diagnostics
import FactorData
import FileFormats
import Foundation
import StrictConfiguration
import TensorCore

/// A run that has been trained, wholly or in part, read back from its folder.
///
/// A folder with a configuration and weights is enough: that is how weights trained elsewhere are brought in.
public struct TrainedRun {
  /// A model as training left it.
  public struct State {
    /// The model.
    public let model: Model
    /// Updates made; nil where there is no checkpoint to tell.
    public let step: Int?
    /// Updates planned; nil where it is not known, because the weights were imported.
    public let steps: Int?

    /// Whether training stopped before its end.
    public var isInterrupted: Bool {
      guard let step, let steps else { return false }
      return step < steps
    }
  }

  /// Its folder.
  public let folder: RunFolder
  /// Its configuration.
  public let settings: ExperimentConfiguration
  /// Its configuration as YAML, with every default.
  public let configuration: String

  /// What its configuration can name.
  public let components: Components

  /// Opens a run.
  ///
  /// - Throws: `StructuredError` if there is none, or it has neither weights nor a checkpoint.
  public init(at path: String, components: Components = Components(), on device: Device) throws {
    self.components = components
    folder = try RunFolder.open(at: path)
    let resolved = try ConfigurationDocument(path: folder.path(of: .configuration)).experiment(components)
    (settings, configuration) = (resolved.value, resolved.yaml)
    guard folder.contains(.weights) || folder.contains(.checkpoint) else {
      throw StructuredError(
        "the run has neither weights nor a checkpoint yet", at: folder.path(of: .weights),
        expected: "a run that has been trained for a while",
        action: "Continue it: disentangle train CONFIG --output \(path) --resume")
    }
  }

  /// The file that its parameters are read from: the weights, or where training has not come to its end the checkpoint.
  public var parametersFile: RunFolder.File { folder.contains(.weights) ? .weights : .checkpoint }

  /// Its model and how far training came.
  ///
  /// - Throws: `StructuredError` if a file does not fit the configuration or the data, or is damaged.
  public func state(for dataset: any FactorDataset, on device: Device) throws -> State {
    let steps = try settings.training.length.map { length in
      try BatchSampler(
        length, batchSize: settings.training.batchSize,
        from: settings.dataset.distribution(of: dataset, stream: settings.stream), stream: settings.stream
      ).steps
    }
    guard folder.contains(.weights) else {
      let trainer = try Trainer(settings, dataset: dataset, on: device)
      let written = String(decoding: try folder.read(.configuration), as: UTF8.self)
      _ = try Checkpoint.restore(trainer, configuration: written, from: folder.path(of: .checkpoint))
      return State(model: trainer.model, step: trainer.step, steps: steps)
    }
    let metadata = folder.contains(.checkpoint) ? try Safetensors(reading: folder.path(of: .checkpoint)).metadata : [:]
    let model = try Model(
      settings.model.architecture, image: dataset.imageShape, latents: settings.model.latents,
      likelihood: settings.model.likelihood, on: device)
    try WeightsFile.read(into: model, from: folder.path(of: .weights))
    return State(model: model, step: metadata["step"].flatMap(Int.init), steps: steps)
  }

  /// Its model.
  ///
  /// - Throws: as ``state(for:on:)``.
  public func model(for dataset: any FactorDataset, on device: Device) throws -> Model {
    try state(for: dataset, on: device).model
  }
}

extension ExperimentConfiguration {
  /// What a report on the experiment is called: "quickstart: beta-tcvae on dsprites, seed 1".
  public func title(on dataset: any FactorDataset) -> String {
    guard let objective else { return "\(name): imported weights on \(dataset.name)" }
    return "\(name): \(objective.name) on \(dataset.name), seed \(seed)"
  }
}
