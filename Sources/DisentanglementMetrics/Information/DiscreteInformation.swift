import Foundation
import TensorCore

/// Information of discrete values, plugged in from counts, in nats.
public enum DiscreteInformation {
  /// The entropy of each column, `[C]`.
  ///
  /// - Parameters:
  ///   - columns: the columns, C of N values.
  ///   - multiplicities: how often each row counts, `[N]`; nil for once.
  public static func entropies(_ columns: DiscreteColumns, multiplicities: [Int32]? = nil) -> [Double] {
    zip(columns.columns, columns.sizes).map { column, size in
      var counts = [Int](repeating: 0, count: size)
      if let multiplicities {
        for (value, times) in zip(column, multiplicities) { counts[Int(value)] += Int(times) }
      } else {
        for value in column { counts[Int(value)] += 1 }
      }
      return entropy(ofCounts: counts)
    }
  }

  /// I(a; b) = Σ p(a, b) log (p(a, b) / p(a) p(b)) of every column of `a` with every column of `b`, `[A, B]`.
  ///
  /// Plugged-in information is biased upwards by about (cells − 1)/2N, the same for columns of equal size.
  ///
  /// - Parameters:
  ///   - a: A columns.
  ///   - b: B columns of as many rows.
  ///   - multiplicities: how often each row counts, `[N]`; nil for once.
  ///   - device: where to compute; each pair is one piece of work, so that its threads do not change the result.
  public static func mutualInformation(
    _ a: DiscreteColumns, _ b: DiscreteColumns, multiplicities: [Int32]? = nil, device: Device? = nil
  ) -> [Double] {
    precondition(a.count == b.count, "the columns are of different lengths")
    let pairs = a.columns.count * b.columns.count, width = b.columns.count
    var matrix = [Double](repeating: 0, count: pairs)
    matrix.withUnsafeMutableBufferPointer { matrix in
      nonisolated(unsafe) let matrix = matrix
      forEachRange(pairs, on: device) { range in
        for pair in range {
          let i = pair / width, j = pair % width
          matrix[pair] = mutualInformation(
            a.columns[i], a.sizes[i], b.columns[j], b.sizes[j], multiplicities: multiplicities)
        }
      }
    }
    return matrix
  }

  /// I of every column with every other, `[C, C]`, symmetric; the diagonal has the entropies.
  public static func mutualInformation(
    among columns: DiscreteColumns, multiplicities: [Int32]? = nil, device: Device? = nil
  ) -> [Double] {
    let size = columns.columns.count, pairs = (0..<size).flatMap { i in (i..<size).map { (i, $0) } }
    var matrix = [Double](repeating: 0, count: size * size)
    matrix.withUnsafeMutableBufferPointer { matrix in
      nonisolated(unsafe) let matrix = matrix
      forEachRange(pairs.count, on: device) { range in
        for (i, j) in pairs[range] {
          let value = mutualInformation(
            columns.columns[i], columns.sizes[i], columns.columns[j], columns.sizes[j], multiplicities: multiplicities)
          matrix[i * size + j] = value
          matrix[j * size + i] = value
        }
      }
    }
    return matrix
  }

  private static func mutualInformation(
    _ a: [Int32], _ sizeA: Int, _ b: [Int32], _ sizeB: Int, multiplicities: [Int32]?
  ) -> Double {
    var joint = [Int](repeating: 0, count: sizeA * sizeB)
    joint.withUnsafeMutableBufferPointer { joint in
      if let multiplicities {
        for n in a.indices { joint[Int(a[n]) * sizeB + Int(b[n])] += Int(multiplicities[n]) }
      } else {
        for n in a.indices { joint[Int(a[n]) * sizeB + Int(b[n])] += 1 }
      }
    }
    var rows = [Int](repeating: 0, count: sizeA), columns = [Int](repeating: 0, count: sizeB), total = 0
    for i in 0..<sizeA {
      for j in 0..<sizeB {
        let count = joint[i * sizeB + j]
        rows[i] += count
        columns[j] += count
        total += count
      }
    }
    // Products of counts are exact, so that independent columns have exactly 0.
    var sum = 0.0
    for i in 0..<sizeA where rows[i] > 0 {
      for j in 0..<sizeB {
        let count = Double(joint[i * sizeB + j])
        if count > 0 { sum += count * log(count * Double(total) / (Double(rows[i]) * Double(columns[j]))) }
      }
    }
    return max(0, sum / Double(max(total, 1)))
  }
}
