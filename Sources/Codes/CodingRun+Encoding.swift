import FactorData
import FileFormats
import RateDecomposition
import TensorCore

extension CodingRun {
  /// Encodes images into a file that NumPy and h5py read, and `disentangle evaluate --codes` too:
  ///
  /// | array | | |
  /// |---|---|---|
  /// | `codes` | [N, D] float32 | μ, the means of q(z\|x) |
  /// | `log_variances` | [N, D] float32 | log σ² |
  /// | `sampled_codes` | [N, D] float32 | z ~ q(z\|x), if asked for |
  /// | `mean_kl` | [D] float64 | KL(q(z_d\|x) ‖ N(0, 1)) in nats, averaged over the N images |
  /// | `index` | [N] int64 | the number of each image in its data set |
  /// | `factors` | [N, K] int64 | where factors are known: their values, counted from 0; −1 where a value is unknown |
  /// | `factor_names`, `factor_sizes` | [K] text, [K] int64 | the factors and how many values each has |
  /// | `factor_kinds` | [K] text | whether the values of each are `ordered`, `cyclic` or `categorical` |
  ///
  /// In HDF5 the attributes `run` and `step` say which model it was, and `seed` where sampled codes come from. The sampled
  /// code of an image depends on the seed and the image's number, not on which others are encoded.
  ///
  /// - Parameters:
  ///   - images: what is encoded.
  ///   - rows: which of them, in this order.
  ///   - seed: of sampled codes; nil for none.
  ///   - path: the file, whose name ends in `.h5` or `.npz`.
  ///   - overwrite: whether a file that is already there is replaced.
  ///   - progress: called now and then with the number of images done.
  /// - Throws: `StructuredError` if an image cannot be read, a posterior is not finite or the file cannot be written; nothing is written then.
  public func encode(
    _ images: any FactorDataset, _ rows: [Int], sampling seed: UInt64?, to path: String, overwrite: Bool,
    progress: (Int) -> Void = { _ in }
  ) throws {
    try Self.requireRows(rows)
    let n = rows.count, d = model.latents, factors = images.factors.list
    var contents = ArrayFileContents()
    for name in ["codes", "log_variances"] + (seed == nil ? [] : ["sampled_codes"]) {
      contents.addArray(name, Float.self, shape: [n, d])
    }
    contents.addArray("mean_kl", Double.self, shape: [d])
    contents.addArray("index", Int.self, shape: [n])
    if !factors.isEmpty {
      contents.addArray("factors", Int.self, shape: [n, factors.count])
      contents.addArray("factor_sizes", Int.self, shape: [factors.count])
      contents.addTexts("factor_names", factors.map(\.name))
      contents.addTexts("factor_kinds", factors.map(\.kind.rawValue))
      // Readers of data sets look for the names and kinds here.
      contents.setAttribute("factor_names", factors.map(\.name))
      contents.setAttribute("factor_kinds", factors.map(\.kind.rawValue))
    }
    describe(in: &contents)
    if let seed { contents.setAttribute("seed", "\(seed)") }

    try ArrayFileWriter.write(contents, to: path, overwrite: overwrite) { file in
      var divergence = [Double](repeating: 0, count: d)
      for first in stride(from: 0, to: n, by: Self.block) {
        let part = Array(rows[first..<min(first + Self.block, n)])
        let table = try posteriors(of: images, part) { progress(first + $0) }
        try file.append(table.means, to: "codes")
        try file.append(table.logVariances, to: "log_variances")
        if let seed {
          let stream = RandomStream(seed: seed)
          let sampled = part.indices.flatMap { row in
            var noise = stream.split("sampled code", part[row])
            return table.codes(at: row, count: 1, noise: &noise)
          }
          try file.append(sampled, to: "sampled_codes")
        }
        for (k, kl) in PosteriorStatistics(table).klPerDimension.enumerated() {
          divergence[k] += kl * Double(part.count) / Double(n)
        }
        try file.append(part, to: "index")
        if !factors.isEmpty {
          let values = part.flatMap { images.factors.values(at: $0).map { $0 ?? Int(FactorTable.unknown) } }
          try file.append(values, to: "factors")
        }
      }
      try file.append(divergence, to: "mean_kl")
      if !factors.isEmpty { try file.append(factors.map(\.size), to: "factor_sizes") }
    }
  }

  /// Images encoded between two writes.
  private static let block = 4096
}
