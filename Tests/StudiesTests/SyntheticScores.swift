import Studies
import TensorCore
import Testing

/// Scores whose statistics are known.
enum SyntheticScores {
  /// Numbers between 0 and 1; with a number of levels, multiples of 1/levels, so that some are equal.
  static func uniform(_ count: Int, seed: UInt64, levels: Int? = nil) -> [Double] {
    var stream = RandomStream(seed: seed)
    return (0..<count).map { _ in
      levels.map { Double(stream.integer(below: $0)) / Double($0) } ?? stream.uniform()
    }
  }

  /// The same with every so manieth value not a number.
  static func withMissing(_ count: Int, seed: UInt64, levels: Int? = nil, every: Int) -> [Double] {
    uniform(count, seed: seed, levels: levels).enumerated().map { $0 % every == every - 1 ? .nan : $1 }
  }

  /// The rows of a resample as ``Resamples`` draws them.
  static func drawn(_ count: Int, _ stream: inout RandomStream) -> [Int] {
    (0..<count).map { _ in stream.integer(below: count) }
  }

  /// The interval of a statistic of resamples, from their definition.
  static func interval(
    _ resamples: Resamples, _ statistic: (inout RandomStream) throws -> Double
  ) rethrows -> Interval {
    let values = try (0..<resamples.count).map { index in
      var stream = resamples.stream.split("resample", index)
      return try statistic(&stream)
    }
    let sorted = values.sorted()
    return Interval(
      lower: Quantiles.interpolated(sorted, at: 0.025), upper: Quantiles.interpolated(sorted, at: 0.975))
  }
}

/// Whether a number is another one up to rounding; not where there is none, or it is not a number.
func isClose(_ value: Double?, _ expected: Double, within tolerance: Double = 1e-12) -> Bool {
  guard let value else { return false }
  return abs(value - expected) <= tolerance * max(1, abs(expected))
}

/// Whether an interval is another one up to rounding.
func isClose(_ interval: Interval?, _ expected: Interval, within tolerance: Double = 1e-12) -> Bool {
  isClose(interval?.lower, expected.lower, within: tolerance)
    && isClose(interval?.upper, expected.upper, within: tolerance)
}

/// Checks that intervals cover a true value about as often as 95 % say: within four standard deviations of a count of
/// trials, and `slack` more, which a percentile interval of a small sample is off.
func expectCoverage(
  _ name: String, trials: Int, slack: Double, sourceLocation: SourceLocation = #_sourceLocation,
  _ isCovered: (RandomStream) throws -> Bool
) rethrows {
  let covered = try (0..<trials).count { try isCovered(RandomStream(seed: 17).split(name, $0)) }
  let share = Double(covered) / Double(trials), deviation = (0.95 * 0.05 / Double(trials)).squareRoot()
  #expect(abs(share - 0.95) < 4 * deviation + slack, "\(name): \(share)", sourceLocation: sourceLocation)
}
