import Diagnostics
import FactorData
import FileFormats
import Foundation
import Logging
import RateDecomposition

/// The posteriors of a run's whole data set, kept in the run's folder: the first command that needs them encodes all
/// images, the others read what it stored.
///
/// `posteriors.h5` has `mean` and `log_variance`, `[N, D]` float32, as ``PosteriorFile`` reads them, and in the attribute
/// `source` what they were computed from: checksums of the parameters and of the data set's file. For deterministic codes
/// `codebook_size` is the number of values of a latent. A file of another source, or a damaged one, is replaced. Reading
/// gives exactly the numbers that encoding gave.
public struct PosteriorCache {
  /// The file.
  public let path: String
  let source: String
  private let count: Int
  private let latents: Int

  /// Computes what the posteriors of a run depend on.
  ///
  /// - Throws: `StructuredError` if the run's parameters or the data set's file cannot be read.
  public init(of run: TrainedRun, for dataset: any FactorDataset) throws {
    path = run.folder.path(of: .posteriors)
    let settings = run.settings
    var source = "parameters \(Checksum.crc32(try run.folder.read(run.parametersFile))), data \(dataset.name)"
    let files = settings.dataset.files, variant = settings.dataset.variant
    for file in files { source += " \(try FileIdentity.text(of: file))" }
    if !files.isEmpty || !variant.isEmpty { source += " \(variant)" }
    count = dataset.count
    latents = settings.model.latents
    self.source = source + ", \(count) images"
  }

  /// The stored posteriors; nil if there are none, or they are of other parameters or other data.
  public func load() -> PosteriorTable? {
    guard FileManager.default.fileExists(atPath: path), let file = try? HDF5File(reading: path),
      file.string(ofAttribute: "source") == source,
      let mean = try? file.read("mean", as: Float.self),
      let logVariance = try? file.read("log_variance", as: Float.self),
      mean.shape == [count, latents], logVariance.shape == mean.shape
    else { return nil }
    return try? PosteriorTable(
      means: mean.values, logVariances: logVariance.values, latents: latents,
      codebookSize: file.string(ofAttribute: PosteriorFile.codebookAttribute).flatMap(Int.init), location: path)
  }

  /// Stores the posteriors.
  ///
  /// - Throws: `StructuredError` if the file cannot be written; no part of it is left then.
  public func store(_ posterior: PosteriorTable) throws {
    let file = try HDF5Writer(), shape = [posterior.count, posterior.latents]
    try file.write("mean", posterior.means, shape: shape)
    try file.write("log_variance", posterior.logVariances, shape: shape)
    try file.setAttribute("source", source)
    if let size = posterior.codebookSize { try file.setAttribute(PosteriorFile.codebookAttribute, "\(size)") }
    try file.save(to: path)
  }

  /// The posteriors of all images: the stored ones, or those of the model, which are then stored.
  ///
  /// Where the file cannot be written, as in a folder for reading only, the posteriors are returned all the same.
  ///
  /// - Parameters:
  ///   - dataset: the images.
  ///   - model: the run's model; asked for only if images must be encoded.
  ///   - logger: told whether images are encoded or posteriors read, and of a file that cannot be written.
  ///   - progress: called now and then with the number of images encoded; never where the stored posteriors are used.
  /// - Throws: `StructuredError` if a posterior is not finite, and what `model` throws.
  public func posterior(
    of dataset: any FactorDataset, by model: @autoclosure () throws -> Model, logger: Logger = .silent,
    progress: (Int) -> Void = { _ in }
  ) throws -> PosteriorTable {
    if let stored = load() {
      logger.info("Using the posteriors in \(path)")
      return stored
    }
    let model = try model()
    logger.info("Encoding all \(dataset.count) images …")
    progress(0)
    let posterior = try model.posterior(of: dataset, 0..<dataset.count, progress: progress)
    do { try store(posterior) } catch { logger.warning("The posteriors cannot be stored: \(error)") }
    return posterior
  }
}
