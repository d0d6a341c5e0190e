import FactorData
import Foundation
import StrictConfiguration
import TensorCore

/// A run that has been trained, read back from its folder.
public struct TrainedRun {
  /// Its folder.
  public let folder: RunFolder
  /// Its configuration.
  public let settings: ExperimentConfiguration

  /// Opens a run.
  ///
  /// - Throws: ``StructuredError`` if there is none, or it has no weights yet.
  public init(at path: String, on device: Device) throws {
    folder = try RunFolder.open(at: path)
    settings = try ConfigurationDocument(path: folder.path(of: .configuration)).decode(ExperimentConfiguration.self)
      .value
    guard folder.contains(.weights) else {
      throw StructuredError(
        "the run has no weights yet", at: folder.path(of: .weights), expected: "a run whose training is complete",
        action: "Continue it: disentangle train CONFIG --output \(path) --resume")
    }
  }

  /// Its model.
  ///
  /// - Throws: ``StructuredError`` if the weights do not fit the configuration or the data.
  public func model(for dataset: any FactorDataset, on device: Device) throws -> Model {
    let model = try Model(
      settings.architecture, image: dataset.imageShape, latents: settings.model.latents,
      likelihood: settings.model.likelihood, on: device)
    try WeightsFile.read(into: model, from: folder.path(of: .weights))
    return model
  }
}

extension ExperimentConfiguration {
  /// What a report on the experiment is called: "quickstart: beta-tcvae on dsprites, seed 1".
  public func title(on dataset: any FactorDataset) -> String {
    "\(name): \(objective.name) on \(dataset.name), seed \(seed)"
  }
}

extension ExperimentConfiguration.Dataset {
  /// Opens the data set.
  ///
  /// - Throws: ``StructuredError`` if it is not there or not what it should be.
  public func open(on device: Device) throws -> any FactorDataset {
    try DatasetRegistry.entry(named: name).load(DatasetSource(path: path, images: images, factors: factors), device)
  }
}
