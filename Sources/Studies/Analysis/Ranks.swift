/// Ranks of the values of a sample.
public enum Ranks {
  /// The rank of each value among all, from 1; values that are equal share the mean of their ranks.
  ///
  /// Values that are not finite are not ranked: their rank is NaN, and the others are ranked without them. O(N log N).
  ///
  /// - Parameter values: `[N]`.
  /// - Returns: the ranks, `[N]`.
  public static func average(_ values: [Double]) -> [Double] {
    var ranks = [Double](repeating: .nan, count: values.count)
    RankOrder(values).ranks(weights: [Int](repeating: 1, count: values.count), into: &ranks)
    return ranks
  }
}

/// The rows of a column in ascending order, from which the ranks in any part or resample of it follow in O(N).
struct RankOrder: Sendable {
  /// The rows with finite values, in ascending order of these, rows with equal values in their own order.
  let rows: [Int]
  /// Where each run of equal values starts among `rows`, and after the last run the end.
  let starts: [Int]

  /// Sorts the rows of a column, `[N]`.
  init(_ values: [Double]) {
    let rows = values.indices.filter { values[$0].isFinite }
      .sorted { (values[$0], $0) < (values[$1], $1) }
    var starts: [Int] = []
    for position in rows.indices where position == 0 || values[rows[position]] != values[rows[position - 1]] {
      starts.append(position)
    }
    self.rows = rows
    self.starts = starts + [rows.count]
  }

  /// The average rank of each row where row i stands w_i ≥ 0 times in the sample.
  ///
  /// A run of equal values that begins after C values and has M of them shares the rank C + (M + 1)/2.
  ///
  /// - Parameters:
  ///   - weights: w, `[N]`.
  ///   - ranks: `[N]`; only the ranks of rows with finite values and w_i > 0 are meaningful afterwards.
  func ranks(weights: [Int], into ranks: inout [Double]) {
    var before = 0
    for run in 0..<starts.count - 1 {
      var size = 0
      for position in starts[run]..<starts[run + 1] { size += weights[rows[position]] }
      let rank = Double(before) + Double(size + 1) / 2
      for position in starts[run]..<starts[run + 1] { ranks[rows[position]] = rank }
      before += size
    }
  }
}
