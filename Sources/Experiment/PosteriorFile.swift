import Diagnostics
import FileFormats
import RateDecomposition

/// Posteriors from anywhere: an HDF5 or NPZ file with `mean` and `log_variance`, `[N, D]`, float32 or float64, and optionally
/// `samples` `[S, D]` with `indices` `[S]`, the data point that each sample was drawn from. With an attribute
/// `codebook_size` (HDF5), the number V of values that each latent can take, `mean` holds deterministic codes.
public struct PosteriorFile {
  /// The posteriors.
  public let posterior: PosteriorTable
  /// The samples, if there are any.
  public let samples: RateDecomposition.FixedSamples?

  /// The attribute with V, as text.
  static let codebookAttribute = "codebook_size"

  /// Reads a file.
  ///
  /// - Throws: `StructuredError` if arrays are missing or do not fit together.
  public init(reading path: String) throws {
    let file = try openArrayFile(path), present = try file.arrayPaths()
    func matrix(_ name: String) throws -> (values: [Double], rows: Int, columns: Int) {
      let (values, shape) = try file.read(name, as: Double.self)
      guard shape.count == 2 else {
        throw StructuredError("\(name) has shape \(shape)", at: path, expected: "a matrix [rows, latents]")
      }
      return (values, shape[0], shape[1])
    }
    let mean = try matrix("mean"), logVariance = try matrix("log_variance")
    guard (mean.rows, mean.columns) == (logVariance.rows, logVariance.columns) else {
      throw StructuredError(
        "mean is [\(mean.rows), \(mean.columns)] and log_variance is [\(logVariance.rows), \(logVariance.columns)]",
        at: path, expected: "two matrices of one shape")
    }
    posterior = try PosteriorTable(
      means: mean.values, logVariances: logVariance.values, latents: mean.columns,
      codebookSize: file.strings(ofAttribute: Self.codebookAttribute, of: "/")?.first.flatMap(Int.init), location: path)
    guard present.contains("samples") else {
      samples = nil
      return
    }
    let codes = try matrix("samples")
    guard codes.columns == mean.columns else {
      throw StructuredError(
        "samples is [\(codes.rows), \(codes.columns)]", at: path, expected: "\(mean.columns) columns, as mean has")
    }
    let indices = present.contains("indices") ? try file.read("indices", as: Int.self).values : nil
    samples = try RateDecomposition.FixedSamples(
      codes: codes.values.map { Float($0) }, indices: indices, for: posterior, location: path)
  }
}
