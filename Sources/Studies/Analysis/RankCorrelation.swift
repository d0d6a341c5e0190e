import TensorCore

/// The rank correlation of two scores over the same runs.
///
/// Spearman's ρ is Pearson's correlation of the average ranks r and s among N pairs (Spearman 1904, "The proof and
/// measurement of association between two things"):
///
///     ρ = Σ_i (r_i − r̄)(s_i − s̄) / √(Σ_i (r_i − r̄)² · Σ_i (s_i − s̄)²),   r̄ = s̄ = (N + 1)/2
///
/// Pairs in which a value is not finite are left out, and the others are ranked without them.
public struct RankCorrelation: Sendable, Equatable {
  /// ρ, from −1 to 1; nil if a variable is constant or there are fewer than 3 pairs.
  public var coefficient: Double?
  /// N, the number of pairs in which both values are finite.
  public var count: Int
  /// The percentile interval of ρ over pairs drawn with replacement; nil where there is no ρ or it was not asked for.
  public var interval: Interval?

  /// Spearman's ρ of two columns. O(N log N), and O(N) for each resample.
  ///
  /// - Parameters:
  ///   - x: `[N]`.
  ///   - y: `[N]`.
  ///   - resamples: for the interval; resamples in which a variable is constant are left out.
  /// - Precondition: the columns have the same length.
  public static func spearman(_ x: [Double], _ y: [Double], resamples: Resamples? = nil) -> RankCorrelation {
    requireFit(x.count == y.count, "spearman", "the columns have \(x.count) and \(y.count) rows")
    let rows = x.indices.filter { x[$0].isFinite && y[$0].isFinite }
    let first = RankOrder(rows.map { x[$0] }), second = RankOrder(rows.map { y[$0] })
    let ones = [Int](repeating: 1, count: rows.count)
    var ranks = RankPair(count: rows.count)
    var result = RankCorrelation(coefficient: ranks.correlation(first, second, weights: ones), count: rows.count)
    if let resamples, result.coefficient != nil {
      var weights = ones
      result.interval = resamples.interval { stream in
        stream.drawMultiplicities(&weights)
        return ranks.correlation(first, second, weights: weights)
      }
    }
    return result
  }

  /// Spearman's ρ of all pairs of C columns, `[C, C]`, symmetric, without intervals.
  ///
  /// Each column is sorted once; O(C·N log N + C²·N).
  ///
  /// - Parameter columns: `[C, N]`.
  /// - Precondition: the columns have the same length.
  public static func matrix(_ columns: [[Double]]) -> [[RankCorrelation]] {
    let count = columns.first?.count ?? 0
    requireFit(columns.allSatisfy { $0.count == count }, "matrix", "the columns have \(columns.map(\.count)) rows")
    let orders = columns.map(RankOrder.init), ones = [Int](repeating: 1, count: count)
    // The ranks of a column without missing values are the same in all its pairs.
    let complete = orders.map { $0.rows.count == count ? CenteredRanks($0, weights: ones) : nil }
    var ranks = RankPair(count: count)
    var matrix = [[RankCorrelation]](
      repeating: [RankCorrelation](repeating: RankCorrelation(coefficient: nil, count: 0), count: columns.count),
      count: columns.count)
    for i in columns.indices {
      for j in 0...i {
        if let first = complete[i], let second = complete[j] {
          matrix[i][j] = RankCorrelation(coefficient: first.correlation(with: second), count: count)
        } else {
          let weights = zip(columns[i], columns[j]).map { $0.isFinite && $1.isFinite ? 1 : 0 }
          matrix[i][j] = RankCorrelation(
            coefficient: ranks.correlation(orders[i], orders[j], weights: weights), count: weights.reduce(0, +))
        }
        matrix[j][i] = matrix[i][j]
      }
    }
    return matrix
  }

  /// ρ from the sums of squares and products about the means; nil if a variable is constant or there are fewer than 3
  /// pairs.
  fileprivate static func coefficient(count: Int, xx: Double, yy: Double, xy: Double) -> Double? {
    guard count >= 3, xx > 0, yy > 0 else { return nil }
    return min(max(xy / (xx * yy).squareRoot(), -1), 1)
  }
}

/// Space for the ranks of two columns.
private struct RankPair {
  var first: [Double]
  var second: [Double]

  init(count: Int) {
    first = [Double](repeating: 0, count: count)
    second = first
  }

  /// ρ where row i stands w_i times in the sample.
  mutating func correlation(_ x: RankOrder, _ y: RankOrder, weights: [Int]) -> Double? {
    x.ranks(weights: weights, into: &first)
    y.ranks(weights: weights, into: &second)
    let count = weights.reduce(0, +), mean = Double(count + 1) / 2
    var xx = 0.0, yy = 0.0, xy = 0.0
    for row in weights.indices where weights[row] > 0 {
      let weight = Double(weights[row]), a = first[row] - mean, b = second[row] - mean
      xx += weight * a * a
      yy += weight * b * b
      xy += weight * a * b
    }
    return RankCorrelation.coefficient(count: count, xx: xx, yy: yy, xy: xy)
  }
}

/// The ranks of a column about their mean.
private struct CenteredRanks {
  let ranks: [Double]
  let squares: Double

  init(_ order: RankOrder, weights: [Int]) {
    var ranks = [Double](repeating: 0, count: weights.count)
    order.ranks(weights: weights, into: &ranks)
    let mean = Double(weights.count + 1) / 2
    self.ranks = ranks.map { $0 - mean }
    squares = self.ranks.reduce(0) { $0 + $1 * $1 }
  }

  func correlation(with other: CenteredRanks) -> Double? {
    var products = 0.0
    for row in ranks.indices { products += ranks[row] * other.ranks[row] }
    return RankCorrelation.coefficient(count: ranks.count, xx: squares, yy: other.squares, xy: products)
  }
}
