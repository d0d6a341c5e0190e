/// Columns of N discrete values each: codes put into bins, or factors.
public struct DiscreteColumns: Sendable {
  /// N.
  public let count: Int
  /// The values of each column, `[C][N]`, from 0 to its size − 1.
  public let columns: [[Int32]]
  /// How many values each column can take, `[C]`.
  public let sizes: [Int]

  /// The factors as they are.
  public init(factorsOf codes: LabeledCodes) {
    count = codes.count
    columns = (0..<codes.factorCount).map { codes.values(ofFactor: $0) }
    sizes = codes.factorSizes
  }

  /// Each latent in bins of equal width over its own range, as ``equalWidthBins(_:bins:)``.
  public init(binning codes: LabeledCodes, bins: Int) {
    count = codes.count
    columns = (0..<codes.latents).map { equalWidthBins(codes.values(ofLatent: $0).map(Double.init), bins: bins) }
    sizes = [Int](repeating: bins, count: codes.latents)
  }

  /// Takes columns that are already discrete.
  ///
  /// - Precondition: the columns are of one length, and their values fit their sizes.
  public init(_ columns: [[Int32]], sizes: [Int]) {
    precondition(columns.count == sizes.count && Set(columns.map(\.count)).count <= 1, "columns of different lengths")
    count = columns.first?.count ?? 0
    self.columns = columns
    self.sizes = sizes
  }
}

/// The bin of each value among bins of equal width between the smallest and the largest value, from 0.
///
/// Bin b is min + b·w ≤ x < min + (b + 1)·w with w = (max − min)/bins; the largest value belongs to the last bin. This
/// is how disentanglement_lib discretises (NumPy's `histogram` for the edges, then `digitize`). Values that are all the
/// same fall into one bin.
public func equalWidthBins(_ values: [Double], bins: Int) -> [Int32] {
  guard let low = values.min(), let high = values.max(), high > low else {
    return [Int32](repeating: 0, count: values.count)
  }
  let width = (high - low) / Double(bins)
  guard width > 0 else { return [Int32](repeating: 0, count: values.count) }
  let edges = (0..<bins).map { Double($0) * width + low }
  return values.map { value in
    var bin = min(Int((value - low) / width), bins - 1)
    // The quotient may round across an edge; the edges decide.
    while bin > 0, value < edges[bin] { bin -= 1 }
    while bin + 1 < bins, value >= edges[bin + 1] { bin += 1 }
    return Int32(bin)
  }
}
