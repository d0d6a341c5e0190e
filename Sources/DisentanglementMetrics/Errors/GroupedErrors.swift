import TensorCore

/// Standard errors from disjoint parts of the data, for statistics that repeated rows would spoil.
public enum GroupedErrors {
  /// The standard error of each number of a statistic: its standard deviation over G random parts of equal size, by √G.
  ///
  /// Right for statistics whose variance goes with 1/N, as means and functions of means do; the parts' bias is not in it.
  ///
  /// - Parameters:
  ///   - rows: N.
  ///   - groups: G; fewer than 2, or parts of fewer than 20 rows, give no standard errors.
  ///   - stream: the source of randomness.
  ///   - device: where to compute, a part on one thread.
  ///   - count: how many numbers the statistic gives.
  ///   - statistic: called with the rows of each part.
  /// - Returns: for each number its standard error, nil where fewer than two parts have a finite value, and of how many
  ///   parts, `[count]`.
  public static func standardErrors(
    rows: Int, groups: Int, stream: RandomStream, device: Device, count: Int,
    statistic: @Sendable (_ rows: [Int]) -> [Double]
  ) -> [(standardError: Double?, repeats: Int?)] {
    guard groups > 1, rows / groups >= 20 else { return Array(repeating: (nil, nil), count: count) }
    var stream = stream.split("groups")
    let order = stream.permutation(of: rows), size = rows / groups
    var values = [[Double]](repeating: [], count: groups)
    values.withUnsafeMutableBufferPointer { values in
      nonisolated(unsafe) let values = values
      device.forEachRange(groups) { _, range in
        for group in range { values[group] = statistic(order[group * size..<(group + 1) * size].sorted()) }
      }
    }
    return (0..<count).map { position in
      let finite = values.map { $0[position] }.filter(\.isFinite)
      let error = Bootstrap.standardDeviation(finite).map { $0 / Double(finite.count).squareRoot() }
      return (error, error == nil ? nil : finite.count)
    }
  }
}
