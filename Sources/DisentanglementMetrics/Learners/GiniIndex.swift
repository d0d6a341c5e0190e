/// Splits that leave the purest classes by Gini's index: those of random forests.
///
///     gain = Σ_k c_lk²/n_l + Σ_k c_rk²/n_r,   impurity = 1 − Σ_k (c_k/n)²
///
/// with the counts c of class k (Breiman et al. 1984).
struct GiniIndex {
  /// The class of each row, `[N]`.
  let labels: [Int]
  /// The node's counts, `[K]`.
  private(set) var counts: [Int]

  init(labels: [Int], classes: Int) {
    self.labels = labels
    counts = [Int](repeating: 0, count: classes)
  }

  /// Begins a node with these rows.
  ///
  /// - Returns: its impurity.
  mutating func begin(_ rows: UnsafeBufferPointer<SortedRow>) -> Double {
    for k in counts.indices { counts[k] = 0 }
    for entry in rows { counts[labels[Int(entry.row)]] += 1 }
    let n = Double(rows.count)
    return 1 - counts.reduce(0) { $0 + Double($1) * Double($1) } / (n * n)
  }

  /// The best split of the node begun last along one feature: the first `position` rows go left.
  ///
  /// Only positions between values that differ count (``differ(_:_:)``); of equally good ones the first wins.
  ///
  /// - Parameter rows: the node's rows in ascending order of the feature.
  /// - Returns: nil if no position counts.
  func bestSplit(_ rows: UnsafeBufferPointer<SortedRow>) -> (gain: Double, position: Int)? {
    var left = [Int](repeating: 0, count: counts.count), right = counts
    // Whole numbers: one row more of a class of c squares to (c + 1)² = c² + 2c + 1.
    var leftSquares = 0, rightSquares = counts.reduce(0) { $0 + $1 * $1 }
    var best: (gain: Double, position: Int)?
    for position in 1..<rows.count {
      let k = labels[Int(rows[position - 1].row)]
      leftSquares += 2 * left[k] + 1
      left[k] += 1
      rightSquares -= 2 * right[k] - 1
      right[k] -= 1
      guard differ(rows[position - 1], rows[position]) else { continue }
      let gain = Double(leftSquares) / Double(position) + Double(rightSquares) / Double(rows.count - position)
      if gain > best?.gain ?? -.infinity { best = (gain, position) }
    }
    return best
  }
}
