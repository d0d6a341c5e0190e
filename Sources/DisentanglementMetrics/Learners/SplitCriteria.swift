/// Splits that leave the smallest squared error of a target: those of boosting.
///
///     gain = S_l²/n_l + S_r²/n_r,   impurity = Σr²/n − (Σr/n)²
///
/// with the sums S of the target r on either side. Friedman's improvement, n_l·n_r/(n_l + n_r)·(r̄_l − r̄_r)² (Friedman
/// 2001, "Greedy Function Approximation", Eq. 35), differs from the gain by a constant of the node only.
struct SquaredError: SplitCriterion {
  /// r, `[N]`.
  let target: UnsafePointer<Double>
  /// 1/n for n = 0 … N; that of 0 is not used.
  let reciprocals: UnsafePointer<Double>
  private var sum = 0.0

  init(target: UnsafePointer<Double>, reciprocals: UnsafePointer<Double>) {
    self.target = target
    self.reciprocals = reciprocals
  }

  mutating func begin(_ rows: UnsafeBufferPointer<SortedRow>) -> Double {
    var squares = 0.0
    sum = 0
    for entry in rows {
      let value = target[Int(entry.row)]
      sum += value
      squares += value * value
    }
    let n = Double(rows.count)
    return squares / n - (sum / n) * (sum / n)
  }

  func bestSplit(_ rows: UnsafeBufferPointer<SortedRow>) -> (gain: Double, position: Int)? {
    // From both ends at once: the two sums do not wait for each other, and need the same two reciprocals.
    let count = rows.count, total = sum
    var fromLeft = 0.0, fromRight = 0.0
    var leftGain = -Double.infinity, leftPosition = 0, rightGain = -Double.infinity, rightPosition = 0
    for n in 1...max(1, count / 2) {
      let near = reciprocals[n], far = reciprocals[count - n]
      fromLeft += target[Int(rows[n - 1].row)]
      let leftRest = total - fromLeft
      let gain = fromLeft * fromLeft * near + leftRest * leftRest * far
      if gain > leftGain, differ(rows[n - 1], rows[n]) { (leftGain, leftPosition) = (gain, n) }
      fromRight += target[Int(rows[count - n].row)]
      let rightRest = total - fromRight
      let other = rightRest * rightRest * far + fromRight * fromRight * near
      if other >= rightGain, differ(rows[count - n - 1], rows[count - n]) {
        (rightGain, rightPosition) = (other, count - n)
      }
    }
    let best = leftGain >= rightGain ? (leftGain, leftPosition) : (rightGain, rightPosition)
    return best.1 > 0 ? best : nil
  }
}

/// Splits that leave the purest classes by Gini's index: those of random forests.
///
///     gain = Σ_k c_lk²/n_l + Σ_k c_rk²/n_r,   impurity = 1 − Σ_k (c_k/n)²
///
/// with the counts c of class k (Breiman et al. 1984).
struct GiniIndex: SplitCriterion {
  /// The class of each row, `[N]`.
  let labels: [Int]
  /// The node's counts, `[K]`.
  private(set) var counts: [Int]

  init(labels: [Int], classes: Int) {
    self.labels = labels
    counts = [Int](repeating: 0, count: classes)
  }

  mutating func begin(_ rows: UnsafeBufferPointer<SortedRow>) -> Double {
    for k in counts.indices { counts[k] = 0 }
    for entry in rows { counts[labels[Int(entry.row)]] += 1 }
    let n = Double(rows.count)
    return 1 - counts.reduce(0) { $0 + Double($1) * Double($1) } / (n * n)
  }

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
