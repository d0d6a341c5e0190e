import Diagnostics

extension RateDecomposition {
  /// What to measure with.
  public struct Options: Sendable {
    /// S, the number of samples of q(z).
    public var samples = 10_000
    /// The seed of the samples.
    public var seed: UInt64 = 0
    /// B of the minibatch estimates: the training batch size. Larger than N counts as N.
    public var batchSize = 64
    /// How many batches the minibatch estimates average over; 0 for no such estimates.
    public var batches = 16

    /// The defaults.
    public init() {}
  }

  /// Samples that the caller fixes.
  public struct FixedSamples: Sendable {
    /// z, `[S, D]`.
    public var codes: [Float]
    /// n(s), `[S]`: the data point that each z was drawn from, where known.
    public var indices: [Int]?

    /// Checks and takes samples.
    ///
    /// - Throws: `StructuredError` for no samples, another number of columns, a value that is not finite or too large,
    ///   an index outside the data, or as many indices as there are not samples.
    public init(codes: [Float], indices: [Int]?, for posterior: PosteriorTable, location: String? = nil) throws {
      let d = posterior.latents
      guard !codes.isEmpty, codes.count % d == 0 else {
        throw StructuredError(
          "samples with \(codes.count) values do not fit \(d) latents", at: location,
          expected: "samples [S, \(d)] with S ≥ 1")
      }
      try PosteriorTable.check(
        codes, "samples", columns: d, limit: PosteriorTable.largestMean, location: location)
      if let indices {
        guard indices.count == codes.count / d else {
          throw StructuredError(
            "there are \(indices.count) indices for \(codes.count / d) samples", at: location,
            expected: "one data point for each sample")
        }
        if let bad = indices.firstIndex(where: { !(0..<posterior.count).contains($0) }) {
          throw StructuredError(
            "indices[\(bad)] is \(indices[bad])", at: location, expected: "0 … \(posterior.count - 1)")
        }
      }
      self.codes = codes
      self.indices = indices
    }
  }
}
