import Diagnostics
import FactorData
import FileFormats
import Foundation
import RateDecomposition

/// The posteriors of a run's whole data set, kept in the run's folder so that the next evaluation need not encode again.
///
/// `posteriors.h5` has `mean` and `log_variance`, `[N, D]`, as ``PosteriorFile`` reads them, and in an attribute what
/// they came from: checksums of the parameters and of the data set's file. A file that does not fit is made anew.
public struct PosteriorCache {
  private let path: String
  private let source: String
  private let count: Int
  private let latents: Int

  /// Looks at what the posteriors of a run come from.
  ///
  /// - Throws: `StructuredError` if the run's parameters or the data set's file cannot be read.
  public init(of run: TrainedRun, for dataset: any FactorDataset) throws {
    path = run.folder.path(of: .posteriors)
    let settings = run.settings
    var source = "parameters \(Checksum.crc32(try run.folder.read(run.parametersFile))), data \(dataset.name)"
    let files = settings.dataset.files, variant = settings.dataset.settings.variant
    for file in files {
      guard let data = try? Data(contentsOf: URL(fileURLWithPath: file), options: .mappedIfSafe) else {
        throw StructuredError("the file cannot be read", at: file)
      }
      source += " \(Checksum.crc32(data))"
    }
    if !files.isEmpty || !variant.isEmpty { source += " \(variant)" }
    count = dataset.count
    latents = settings.model.latents
    self.source = source + ", \(count) images"
  }

  /// The posteriors, if they are there and fit.
  public func load() -> PosteriorTable? {
    guard FileManager.default.fileExists(atPath: path), let file = try? HDF5File(reading: path),
      file.string(ofAttribute: "source") == source,
      let mean = try? file.read("mean", as: Float.self),
      let logVariance = try? file.read("log_variance", as: Float.self),
      mean.shape == [count, latents], logVariance.shape == mean.shape
    else { return nil }
    return try? PosteriorTable(
      means: mean.values, logVariances: logVariance.values, latents: latents, location: path)
  }

  /// Keeps the posteriors.
  ///
  /// - Throws: `StructuredError` if the file cannot be written; no part of it is left then.
  public func store(_ posterior: PosteriorTable) throws {
    let file = try HDF5Writer(), shape = [posterior.count, posterior.latents]
    try file.write("mean", posterior.means, shape: shape)
    try file.write("log_variance", posterior.logVariances, shape: shape)
    try file.setAttribute("source", source)
    try file.save(to: path)
  }
}
