/// How often a score from one sample is larger than one from another.
///
///     P(A > B) + ½·P(A = B) = U / (n·m)
///
/// for a drawn from the n scores of A and b from the m scores of B, with the U of Mann and Whitney (1947, "On a test of
/// whether one of two random variables is stochastically larger than the other", The Annals of Mathematical Statistics
/// 18(1)). ½ where neither tends to be larger. Scores that are not finite are left out.
public struct ProbabilityOfSuperiority: Sendable, Equatable {
  /// The probability, from 0 to 1; nil if a sample has no finite score.
  public var probability: Double?
  /// n, the number of finite scores of A.
  public var count: Int
  /// m, the number of finite scores of B.
  public var otherCount: Int
  /// The percentile interval over scores of both samples drawn with replacement, each as many as it has; nil where it was
  /// not asked for or a sample has fewer than two scores.
  public var interval: Interval?

  /// The probability that a score of A is larger than one of B. O((n + m) log(n + m)), and O(n + m) for each resample.
  ///
  /// - Parameters:
  ///   - scores: A, `[n]`.
  ///   - others: B, `[m]`.
  ///   - resamples: for the interval.
  public static func of(
    _ scores: [Double], over others: [Double], resamples: Resamples? = nil
  ) -> ProbabilityOfSuperiority {
    let first = scores.filter(\.isFinite), second = others.filter(\.isFinite), split = first.count
    let order = RankOrder(first + second)
    var weights = [Int](repeating: 1, count: first.count + second.count)
    var result = ProbabilityOfSuperiority(count: first.count, otherCount: second.count)
    guard !first.isEmpty, !second.isEmpty else { return result }
    let pairs = Double(first.count) * Double(second.count)
    result.probability = order.halfWins(weights, firstCount: split) / 2 / pairs
    if let resamples, first.count > 1, second.count > 1 {
      result.interval = resamples.interval { stream in
        stream.drawMultiplicities(&weights[..<split])
        stream.drawMultiplicities(&weights[split...])
        return order.halfWins(weights, firstCount: split) / 2 / pairs
      }
    }
    return result
  }

  /// The probability that a score of each of G groups is larger than one of each other, `[G, G]`.
  ///
  /// The probabilities of (i, j) and (j, i) add up to 1, as do the ends of their intervals. On the diagonal it is ½,
  /// without an interval.
  ///
  /// - Parameters:
  ///   - groups: the scores of each group.
  ///   - resamples: for the intervals; each pair draws from a split of its own.
  public static func matrix(_ groups: [[Double]], resamples: Resamples? = nil) -> [[ProbabilityOfSuperiority]] {
    var matrix = groups.map { group in
      let count = group.count(where: \.isFinite)
      return groups.map { _ in
        ProbabilityOfSuperiority(probability: count > 0 ? 0.5 : nil, count: count, otherCount: count)
      }
    }
    for i in groups.indices {
      for j in 0..<i {
        let pair = of(groups[i], over: groups[j], resamples: resamples?.split("group", i).split("over", j))
        matrix[i][j] = pair
        matrix[j][i] = ProbabilityOfSuperiority(
          probability: pair.probability.map { 1 - $0 }, count: pair.otherCount, otherCount: pair.count,
          interval: pair.interval?.complement)
      }
    }
    return matrix
  }
}

extension RankOrder {
  /// Twice U: for each pair of a row among the first and one among the others, 2 where the first is larger and 1 where
  /// they are equal, row i counted w_i times.
  fileprivate func halfWins(_ weights: [Int], firstCount: Int) -> Double {
    var below = 0, wins = 0
    for run in 0..<starts.count - 1 {
      var first = 0, other = 0
      for row in rows[starts[run]..<starts[run + 1]] {
        if row < firstCount { first += weights[row] } else { other += weights[row] }
      }
      wins += first * (2 * below + other)
      below += other
    }
    return Double(wins)
  }
}
