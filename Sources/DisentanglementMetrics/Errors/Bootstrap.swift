import TensorCore

/// Standard errors by the bootstrap: the statistic of samples drawn with replacement from the rows (Efron 1979).
///
/// They estimate how much a score would differ for other data points drawn like these. Where the rows are a whole data set,
/// they refer to a hypothetical larger one.
public enum Bootstrap {
  /// The standard error of each number that a statistic gives.
  ///
  /// - Parameters:
  ///   - rows: N.
  ///   - replicates: how many samples are drawn; fewer than 2 give no standard errors.
  ///   - stream: the source of randomness; replicate r draws from its own split, so threads do not matter.
  ///   - device: where to compute.
  ///   - count: how many numbers the statistic gives.
  ///   - statistic: called with how often each row was drawn, `[N]`. A number that is not finite leaves its replicate out.
  /// - Returns: the standard deviation over the replicates, `[count]`; nil where fewer than two have a value.
  public static func standardErrors(
    rows: Int, replicates: Int, stream: RandomStream, device: Device, count: Int,
    statistic: @Sendable (_ multiplicities: [Int32]) -> [Double]
  ) -> [Double?] {
    guard rows > 1, replicates > 1 else { return [Double?](repeating: nil, count: count) }
    var values = [[Double]](repeating: [], count: replicates)
    values.withUnsafeMutableBufferPointer { values in
      nonisolated(unsafe) let values = values
      device.forEachRange(replicates) { _, range in
        for replicate in range {
          var stream = stream.split("bootstrap", replicate)
          values[replicate] = statistic(multiplicities(rows: rows, stream: &stream))
        }
      }
    }
    return (0..<count).map { position in standardDeviation(values.map { $0[position] }.filter(\.isFinite)) }
  }

  /// How often each of N rows appears among N draws with replacement.
  static func multiplicities(rows: Int, stream: inout RandomStream) -> [Int32] {
    var multiplicities = [Int32](repeating: 0, count: rows)
    for _ in 0..<rows { multiplicities[stream.integer(below: rows)] += 1 }
    return multiplicities
  }

  /// The standard deviation of a sample (n − 1); nil for fewer than two values.
  static func standardDeviation(_ values: [Double]) -> Double? {
    guard values.count > 1 else { return nil }
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (squares / Double(values.count - 1)).squareRoot()
  }
}
