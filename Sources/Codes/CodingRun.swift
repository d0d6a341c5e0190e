import Diagnostics
import Experiment
import FactorData
import FileFormats
import RateDecomposition
import TensorCore

/// A run that is ready to encode and decode: its model and the data that it was trained on.
public struct CodingRun {
  /// The images it was trained on.
  public let dataset: any FactorDataset
  /// Its model.
  public let model: Model
  /// What it is called.
  public let name: String
  /// Where all random numbers of the run begin; commands take it where they are given no other.
  public let seed: UInt64
  /// The updates made; nil where there is no checkpoint to tell.
  public let step: Int?

  /// Loads the data and the model of a run.
  ///
  /// - Throws: `StructuredError` if a file is missing or damaged, or does not fit the others.
  public init(_ run: TrainedRun, on device: Device) throws {
    dataset = try run.settings.dataset.open(on: device)
    let state = try run.state(for: dataset, on: device)
    (model, step) = (state.model, state.step)
    (name, seed) = (run.settings.name, UInt64(run.settings.seed))
  }

  /// Other images for the model.
  ///
  /// - Parameters:
  ///   - path: an HDF5 or NPZ file, read as for training.
  ///   - array: the name of the array of images; by default `images` or `imgs`.
  /// - Throws: `StructuredError` as `ImageFile`, or if the images are not as large as those of training.
  public func images(of path: String, array: String?) throws -> any FactorDataset {
    let file = try ImageFile(path: path, images: array, on: model.device)
    guard file.imageShape == model.image else {
      throw StructuredError(
        "the images are \(file.imageShape)", at: path, expected: "\(model.image), as the run was trained on")
    }
    return file
  }

  /// The posteriors of some images.
  ///
  /// - Throws: `StructuredError` if an image cannot be read or a posterior is not finite.
  func posteriors(of images: any FactorDataset, _ rows: [Int], progress: (Int) -> Void) throws -> PosteriorTable {
    try model.posterior(
      of: images, rows, location: "the model's posteriors from image \(rows[0])", progress: progress)
  }

  /// Makes sure that a number of rows was asked for that a file of codes can have.
  static func requireRows(_ rows: [Int]) throws {
    guard !rows.isEmpty else { throw StructuredError("no rows are chosen", expected: "at least one image") }
  }

  /// Says in a file where its codes come from.
  func describe(in contents: inout ArrayFileContents) {
    contents.setAttribute("run", name)
    if let step { contents.setAttribute("step", step) }
  }
}
