/// The standard error of a proportion, such as an accuracy on data points that were not learnt from.
enum Proportion {
  /// Successes, and failures, that are added.
  private static let added = 2.0

  /// The standard error of the share p of successes among n trials as Agresti and Coull (1998, "Approximate is better than
  /// exact for interval estimation of binomial proportions", The American Statistician 52(2), §3) take it, with two
  /// successes and two failures added:
  ///
  ///     √(p̃(1 − p̃)/ñ),   ñ = n + 4,   p̃ = (n·p + 2)/ñ
  ///
  /// √(p(1 − p)/n) is 0 at p = 1 and p = 0, where n trials have only shown that the other outcome is rare.
  ///
  /// - Parameters:
  ///   - share: p, between 0 and 1.
  ///   - trials: n ≥ 0.
  static func standardError(_ share: Double, of trials: Int) -> Double {
    let count = Double(trials) + 2 * added, adjusted = (Double(trials) * share + added) / count
    return (adjusted * (1 - adjusted) / count).squareRoot()
  }

  /// The same of the mean of shares, each between 0 and 1, of independent trials, as of the factors that were predicted
  /// rightly for each data point: two shares of 0 and two of 1 are added.
  static func standardError(ofShares shares: [Double]) -> Double {
    let all = shares + [0, 0, 1, 1], count = Double(all.count), mean = all.reduce(0, +) / count
    return (all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }).squareRoot() / count
  }

  /// The standard error of the ratio a/b of the means of two shares of the same trials, by the delta method: of
  /// d(a/b) = (a′ − (a/b)·b′)/b, trial by trial, with every combination of 0 and 1 added once.
  ///
  /// - Precondition: the mean of the second is positive.
  static func standardError(ofRatio shares: [Double], to others: [Double]) -> Double {
    let a = shares + [0, 0, 1, 1], b = others + [0, 1, 0, 1], count = Double(a.count)
    let mean = b.reduce(0, +) / count, ratio = a.reduce(0, +) / b.reduce(0, +)
    return (zip(a, b).reduce(0) { $0 + ($1.0 - ratio * $1.1) * ($1.0 - ratio * $1.1) }).squareRoot() / count / mean
  }
}
