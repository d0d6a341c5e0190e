import Diagnostics
import FileFormats
import RateDecomposition
import TensorCore

extension CodingRun {
  /// Codes in a file, checked for the model.
  ///
  /// - Parameters:
  ///   - path: an HDF5 or NPZ file.
  ///   - array: the name of an array of numbers [N, D].
  /// - Returns: the file, and N.
  /// - Throws: `StructuredError` if the array is missing or has another shape.
  private func codes(in path: String, _ array: String) throws -> (file: any ArrayFile, count: Int) {
    let file = try openArrayFile(path), shape = try file.information(array).shape
    guard shape.count == 2, shape[1] == model.latents, shape[0] > 0 else {
      throw StructuredError(
        "the array has shape \(shape)", at: "\(path), array \"\(array)\"",
        expected: "[N, \(model.latents)], codes of the \(model.latents) latents of the run")
    }
    return (file, shape[0])
  }

  /// Decodes the codes of a file: the means of p(x|z), which are probabilities for a Bernoulli likelihood.
  ///
  /// - Parameters:
  ///   - path: an HDF5 or NPZ file with codes [N, D].
  ///   - array: what the codes are called in it.
  ///   - output: where the images go.
  ///   - overwrite: whether a file that is already there is replaced.
  ///   - progress: called now and then with the number of images done, and N.
  /// - Returns: N.
  /// - Throws: `StructuredError` if the codes are missing, not for this model or not finite, or the output cannot be
  ///   written; nothing is written then.
  public func decode(
    _ path: String, array: String = "codes", to output: ImagesOutput, overwrite: Bool,
    progress: (_ done: Int, _ count: Int) -> Void = { _, _ in }
  ) throws -> Int {
    let (file, count) = try codes(in: path, array), d = model.latents
    try output.write(count, of: model.image, codes: nil, overwrite: overwrite, describe: describe) { append in
      try file.forEachSlab(of: array, as: Float.self, rows: Self.batch) { rows, codes in
        if let bad = codes.firstIndex(where: { !($0.magnitude <= PosteriorTable.largestMean) }) {
          throw StructuredError(
            "\(array)[\(rows.lowerBound + bad / d), \(bad % d)] is \(codes[bad])", at: "\(path), array \"\(array)\"",
            expected: "finite numbers of magnitude at most \(PosteriorTable.largestMean)")
        }
        // A file in chunks hands out more rows than asked for.
        for first in stride(from: 0, to: rows.count, by: Self.batch) {
          let part = Array(codes[first * d..<min(first + Self.batch, rows.count) * d])
          try append(images(at: part), part)
          progress(rows.lowerBound + first + part.count / d, count)
        }
      }
    }
    return count
  }

  /// Draws codes from the prior N(0, I), or from the values of a codebook, and decodes them. A file of arrays holds the `codes` beside the `images`.
  ///
  /// - Parameters:
  ///   - count: N.
  ///   - seed: of the codes; fewer codes are the first of more.
  ///   - output: where the images go.
  ///   - overwrite: whether a file that is already there is replaced.
  ///   - progress: called now and then with the number of images done.
  /// - Throws: `StructuredError` if the output cannot be written; nothing is written then.
  public func sample(
    _ count: Int, seed: UInt64, to output: ImagesOutput, overwrite: Bool, progress: (Int) -> Void = { _ in }
  ) throws {
    let d = model.latents, stream = RandomStream(seed: seed)
    try output.write(
      count, of: model.image, codes: d, overwrite: overwrite,
      describe: { contents in
        describe(in: &contents)
        contents.setAttribute("seed", "\(seed)")
      },
      { append in
        for first in stride(from: 0, to: count, by: Self.batch) {
          let codes = (first..<min(first + Self.batch, count)).flatMap { row in
            var noise = stream.split("prior sample", row)
            return model.priorCodes(1, from: &noise)
          }
          try append(images(at: codes), codes)
          progress(first + codes.count / d)
        }
      })
  }

  private func images(at codes: [Float]) throws -> [Float] {
    let images = model.decode(codes)
    guard images.allSatisfy(\.isFinite) else {
      throw StructuredError(
        "a decoded image is not finite", expected: "finite pixels",
        action: "Check that the codes are of the size that the run's own have, and that training did not diverge.")
    }
    return images
  }

  /// Images decoded at a time.
  private static let batch = 256
}
