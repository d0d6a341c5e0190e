import TensorCore

/// How good a model is that is chosen by a value that needs no labels.
///
/// Among runs with a chooser's value c and a target score t, of which larger is better, the chosen score is the mean of t
/// over the runs with the best c. A random choice expects the mean of t. The share of the possible gain is
///
///     (chosen − random) / (best − random)
///
/// 1 for the best run, 0 for a choice as good as a random one, and negative for a worse one. Runs with a c or t that is not
/// finite are left out and counted. (For a target of which smaller is better, negate it.)
public struct ModelChoice: Sendable, Equatable {
  /// Which values of the chooser are better.
  public enum Direction: Sendable {
    /// Larger ones.
    case higher
    /// Smaller ones.
    case lower
  }

  /// The score of the chosen run, or the mean of those with equal values of the chooser.
  public var chosen: Double
  /// The mean score.
  public var random: Double
  /// The largest score.
  public var best: Double
  /// The share of the possible gain; nil where all scores are equal.
  public var shareOfGain: Double?
  /// The percentile interval of the chosen score over runs drawn with replacement: how much it depends on which runs
  /// there are to choose from. nil where it was not asked for or there is one run.
  public var interval: Interval?
  /// How many runs there are to choose from.
  public var count: Int
  /// How many runs have the best value of the chooser.
  public var tied: Int
  /// How many runs were left out.
  public var missing: Int

  /// The choice among runs. O(N), and O(N) for each resample.
  ///
  /// - Parameters:
  ///   - scores: t, `[N]`.
  ///   - chooser: c, `[N]`.
  ///   - direction: which c is better.
  ///   - resamples: for the interval.
  /// - Returns: nil if no run has finite c and t.
  /// - Precondition: both have the same length.
  public static func of(
    _ scores: [Double], by chooser: [Double], better direction: Direction, resamples: Resamples? = nil
  ) -> ModelChoice? {
    let candidates = Candidates(scores, by: chooser, better: direction, rows: Array(scores.indices))
    return candidates.choice(resamples)
  }

  /// The choices within groups of runs, as those of one data set.
  public struct Grouped: Sendable, Equatable {
    /// The groups, in the order of their first runs.
    public var groups: [String]
    /// The choice within each group; nil where no run has finite values.
    public var choices: [ModelChoice?]
    /// The means of the chosen, random and best scores over the groups that have a choice, with their share of the gain;
    /// the interval is of the mean chosen score, over runs drawn within each group. Counts are sums. nil where no group
    /// has a choice.
    public var mean: ModelChoice?
  }

  /// The choice within each group of runs, and the mean over groups.
  ///
  /// - Parameters:
  ///   - scores: t, `[N]`.
  ///   - chooser: c, `[N]`.
  ///   - direction: which c is better.
  ///   - groups: the group of each run, `[N]`.
  ///   - resamples: for the intervals; each group draws from a split of its own.
  /// - Precondition: all have the same length.
  public static func of(
    _ scores: [Double], by chooser: [Double], better direction: Direction, within groups: [String],
    resamples: Resamples? = nil
  ) -> Grouped {
    requireFit(groups.count == scores.count, "ModelChoice", "\(scores.count) runs have \(groups.count) groups")
    let grouping = Grouping(groups)
    let candidates = grouping.members.map { Candidates(scores, by: chooser, better: direction, rows: $0) }
    let choices = candidates.enumerated().map { $1.choice(resamples?.split("group", $0)) }
    var result = Grouped(groups: grouping.labels, choices: choices)
    let made = choices.compactMap { $0 }
    guard !made.isEmpty else { return result }
    func mean(_ value: (ModelChoice) -> Double) -> Double { Moments.mean(made.map(value)) }
    let chosen = mean(\.chosen), random = mean(\.random), best = mean(\.best)
    var choice = ModelChoice(
      chosen: chosen, random: random, best: best,
      shareOfGain: shareOfGain(chosen: chosen, random: random, best: best), count: made.reduce(0) { $0 + $1.count },
      tied: made.reduce(0) { $0 + $1.tied },
      missing: candidates.reduce(0) { $0 + $1.missing })
    let competing = candidates.filter { $0.scores.count > 0 }
    if competing.contains(where: { $0.scores.count > 1 }) {
      choice.interval = resamples?.split("mean", 0).interval { stream in
        Moments.mean(competing.map { $0.draw(&stream) })
      }
    }
    result.mean = choice
    return result
  }

  /// (chosen − random) / (best − random); nil where the scores that these are of are all equal.
  static func shareOfGain(chosen: Double, random: Double, best: Double) -> Double? {
    // The mean of equal numbers is exactly that number.
    let share = (chosen - random) / (best - random)
    return share.isFinite ? share : nil
  }
}

/// The runs to choose from, all with finite values.
private struct Candidates {
  /// t.
  let scores: [Double]
  /// c, or −c where smaller is better.
  let values: [Double]
  let missing: Int

  init(_ scores: [Double], by chooser: [Double], better direction: ModelChoice.Direction, rows: [Int]) {
    requireFit(chooser.count == scores.count, "ModelChoice", "\(scores.count) runs have \(chooser.count) values")
    let finite = rows.filter { scores[$0].isFinite && chooser[$0].isFinite }
    self.scores = finite.map { scores[$0] }
    values = finite.map { direction == .higher ? chooser[$0] : -chooser[$0] }
    missing = rows.count - finite.count
  }

  /// The mean score of the runs with the best value among some rows, and their number.
  private func chosen(among rows: some Sequence<Int>) -> (score: Double, tied: Int) {
    var best = -Double.infinity, tied: [Double] = []
    for row in rows {
      if values[row] > best {
        best = values[row]
        tied.removeAll(keepingCapacity: true)
      }
      if values[row] == best { tied.append(scores[row]) }
    }
    return (Moments.mean(tied), tied.count)
  }

  /// The chosen score among as many runs drawn with replacement.
  func draw(_ stream: inout RandomStream) -> Double {
    let rows = (0..<scores.count).map { _ in stream.integer(below: scores.count) }
    return chosen(among: rows).score
  }

  /// The choice; nil among no runs.
  func choice(_ resamples: Resamples?) -> ModelChoice? {
    guard let best = scores.max() else { return nil }
    let (score, tied) = chosen(among: scores.indices), random = Moments.mean(scores)
    var choice = ModelChoice(
      chosen: score, random: random, best: best,
      shareOfGain: ModelChoice.shareOfGain(chosen: score, random: random, best: best), count: scores.count, tied: tied,
      missing: missing)
    if scores.count > 1 { choice.interval = resamples?.interval { draw(&$0) } }
    return choice
  }
}
