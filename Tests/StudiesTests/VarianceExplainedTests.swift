import Studies
import TensorCore
import TestSupport
import Testing

@Suite("Variance explained")
struct VarianceExplainedTests {
  /// Runs of some objectives with some strengths and seeds each, whose scores are a function of these.
  private struct Table {
    var scores: [Double] = [], objectives: [String] = [], strengths: [String] = []

    init(_ counts: (Int, Int, Int), _ score: (Int, Int, Int) -> Double) {
      for seed in 0..<counts.2 {
        for objective in 0..<counts.0 {
          for strength in 0..<counts.1 {
            scores.append(score(objective, strength, seed))
            objectives.append("objective \(objective)")
            strengths.append("\(strength)")
          }
        }
      }
    }

    func explained(_ resamples: Resamples? = nil) -> VarianceExplained? {
      VarianceExplained.of(scores, objectives: objectives, strengths: strengths, resamples: resamples)
    }
  }

  /// The sign of an effect with two levels.
  private static func sign(_ level: Int) -> Double { level == 0 ? -1 : 1 }

  @Test("Effects ±a of objectives, ±b of strengths and ±c of seeds explain a²/(a² + b² + c²) and (a² + b²)/…")
  func closedForm() throws {
    let (a, b, c) = (3.0, 2.0, 0.5), total = a * a + b * b + c * c
    for shift in [0, 1e8] {
      let table = Table((2, 2, 2)) { shift + a * Self.sign($0) + b * Self.sign($1) + c * Self.sign($2) }
      let explained = try #require(table.explained())
      #expect(isClose(explained.objective.value, a * a / total))
      #expect(isClose(explained.objectiveAndStrength.value, (a * a + b * b) / total))
      #expect(isClose(explained.seeds.value, c * c / total))
      // N = 8, and K = 2 and 4.
      #expect(isClose(explained.objective.adjusted, 1 - (b * b + c * c) / total * 7 / 6))
      #expect(isClose(explained.objectiveAndStrength.adjusted, 1 - c * c / total * 7 / 4))
      #expect(isClose(explained.seeds.adjusted, c * c / total * 7 / 4))
      #expect(explained.count == 8 && explained.objectiveCount == 2 && explained.cellCount == 4)
      #expect(explained.objective.interval == nil && explained.missing == 0)
    }
  }

  @Test("A strength whose effects are opposite in two objectives is in the cells alone")
  func interaction() throws {
    let explained = try #require(Table((2, 2, 3)) { a, b, _ in Self.sign(a) * Self.sign(b) }.explained())
    #expect(isClose(explained.objective.value, 0) && isClose(explained.objectiveAndStrength.value, 1))
    #expect(isClose(explained.objective.adjusted, 1 - 11.0 / 10))
  }

  @Test("Equal scores, one, and none have no shares; cells of one run have no interval and no adjusted share")
  func degenerate() throws {
    let resamples = Resamples(50, from: RandomStream(seed: 1))
    #expect(Table((2, 3, 4)) { _, _, _ in 0.1 }.explained(resamples) == nil)
    #expect(Table((1, 1, 1)) { _, _, _ in 1 }.explained(resamples) == nil)
    #expect(Table((2, 2, 2)) { _, _, _ in .nan }.explained(resamples) == nil)
    #expect(Table((0, 0, 0)) { _, _, _ in 1 }.explained(resamples) == nil)
    let single = try #require(Table((2, 3, 1)) { a, b, _ in Double(a + 3 * b * b) }.explained(resamples))
    #expect(isClose(single.objectiveAndStrength.value, 1) && single.objectiveAndStrength.adjusted == nil)
    #expect(single.objectiveAndStrength.interval == nil && single.objective.interval == nil)
    #expect(single.objective.adjusted != nil && single.seeds.adjusted == nil)
    let two = try #require(Table((2, 1, 1)) { a, _, _ in Double(a) }.explained(resamples))
    #expect(two.objective.value == 1 && two.objective.adjusted == nil && two.objective.interval == nil)
    let huge = Table((2, 2, 2)) { Self.sign($0) * 1e308 + Double($1 + $2) }
    _ = huge.explained(resamples)
  }

  @Test("Missing scores are left out and counted, and whole cells and objectives of them")
  func missing() throws {
    let table = Table((3, 2, 4)) { objective, strength, seed in
      if objective == 1 { return seed % 2 == 0 ? .nan : .infinity }
      if objective == 0, strength == 1 { return .nan }
      return objective == 2 && seed == 3 ? -.infinity : Double(objective * 5 + strength * 2) + Double(seed * seed)
    }
    let resamples = Resamples(40, from: RandomStream(seed: 2))
    var explained = try #require(table.explained(resamples))
    #expect(explained.count == 10 && explained.missing == 14)
    #expect(explained.objectiveCount == 2 && explained.cellCount == 3)
    let rows = table.scores.indices.filter { table.scores[$0].isFinite }
    explained.missing = 0
    #expect(
      explained
        == VarianceExplained.of(
          rows.map { table.scores[$0] }, objectives: rows.map { table.objectives[$0] },
          strengths: rows.map { table.strengths[$0] }, resamples: resamples))
  }

  @Test("η² is F·(K − 1)/(F·(K − 1) + N − K) with SciPy's F", .enabled(if: SciPy.isInstalled, SciPy.missing))
  func scipy() throws {
    var stream = RandomStream(seed: 6)
    var table = Table((3, 2, 7)) { objective, strength, _ in Double(objective) * 0.4 + Double(strength) * 0.6 }
    for row in table.scores.indices { table.scores[row] += stream.uniform() }
    // Cells of unequal size.
    for row in [0, 1, 2, 6, 7, 12] { table.scores[row] = .nan }
    let program = """
      scores, objectives, cells = table
      for labels in (objectives, cells):
        groups = [scores[(labels == label) & ~np.isnan(scores)] for label in np.unique(labels)]
        between, within = len(groups) - 1, sum(map(len, groups)) - len(groups)
        f = stats.f_oneway(*groups).statistic
        share = f * between / (f * between + within)
        show(share, 1 - (1 - share) * (between + within) / within)
      """
    let objectives = table.objectives.map { Double($0.suffix(1)) ?? .nan }
    let cells = zip(objectives, table.strengths).map { $0 * 10 + (Double($1) ?? .nan) }
    let theirs = try SciPy.numbers(program, [table.scores, objectives, cells])
    let explained = try #require(table.explained()), shares = [explained.objective, explained.objectiveAndStrength]
    #expect(absoluteDifference(shares.flatMap { [$0.value, $0.adjusted ?? .nan] }, theirs) < 1e-13)
  }

  @Test("Each of several scores has the shares that it has alone, and the interval of a stream of its own")
  func columns() {
    let first = Table((2, 3, 4)) { Double($0) + Double($1 * $2 % 5) }
    let second = Table((2, 3, 4)) { Double($0 * $2 % 3) + Double($1) }
    let resamples = Resamples(30, from: RandomStream(seed: 3))
    let constant = [Double](repeating: 2, count: 24)
    let both = VarianceExplained.of(
      columns: [first.scores, constant, second.scores], objectives: first.objectives, strengths: first.strengths,
      resamples: resamples)
    func alone(_ table: Table, _ column: Int) -> VarianceExplained? {
      table.explained(Resamples(30, from: resamples.stream.split("column", column)))
    }
    #expect(both == [alone(first, 0), nil, alone(second, 2)] && both[0]?.objective.interval != nil)
  }

  @Test("The interval is that of cells drawn with replacement, moved onto the share")
  func interval() throws {
    // One objective, two cells of two runs: deviations from the means ±1 and ±2 become ±√2 and ±2√2.
    let table = Table((1, 2, 2)) { _, strength, seed in
      Double(strength * 6) + Double(strength + 1) * Self.sign(seed)
    }
    let resamples = Resamples(300, from: RandomStream(seed: 5)), explained = try #require(table.explained(resamples))
    let root = 2.0.squareRoot()
    let cells = [[-root, root], [6 - 2 * root, 6 + 2 * root]]
    let shares = (0..<300).map { index in
      var stream = resamples.stream.split("resample", index)
      let drawn = cells.map { cell in SyntheticScores.drawn(2, &stream).map { cell[$0] } }
      let means = drawn.map { ($0[0] + $0[1]) / 2 }, mean = (means[0] + means[1]) / 2
      let total = drawn.joined().reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return 2 * means.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / total
    }
    let share = explained.objectiveAndStrength, shift = share.value - shares.reduce(0, +) / 300
    let sorted = shares.map { $0 + shift }.sorted()
    let lower = Quantiles.interpolated(sorted, at: 0.025), upper = min(1, Quantiles.interpolated(sorted, at: 0.975))
    #expect(isClose(share.interval, Interval(lower: max(0, lower), upper: upper)), "\(share)")
    // N = 4, K = 2.
    #expect(isClose(share.adjustedInterval?.lower, 1 - (1 - lower) * 3 / 2), "\(share)")
    #expect(isClose(explained.seeds.interval, Interval(lower: 1 - upper, upper: 1 - max(0, lower))))
    #expect(explained.objective.value == 0 && explained.objective.interval == Interval(lower: 0, upper: 0))
  }

  @Test("Resamples in which all scores are equal are left out")
  func equalResamples() throws {
    // Three cells of 0 and 1: deviations ±½ become ±½·√2.
    let table = Table((1, 3, 2)) { _, _, seed in Double(seed) }, resamples = Resamples(200, from: RandomStream(seed: 8))
    let explained = try #require(table.explained(resamples))
    var equal = 0
    let shares = (0..<200).compactMap { index -> Double? in
      var stream = resamples.stream.split("resample", index)
      let ups = (0..<3).map { _ in Double(SyntheticScores.drawn(2, &stream).reduce(0, +)) }
      let up = ups.reduce(0, +) / 6
      if up == 0 || up == 1 { equal += 1 }
      return up == 0 || up == 1 ? nil : ups.reduce(0) { $0 + ($1 / 2 - up) * ($1 / 2 - up) } / 3 / (up * (1 - up))
    }
    let sorted = shares.sorted(), mean = shares.reduce(0, +) / Double(shares.count)
    #expect(equal > 0 && isClose(explained.objectiveAndStrength.value, 0))
    let upper = Quantiles.interpolated(sorted, at: 0.975) - mean
    #expect(isClose(explained.objectiveAndStrength.interval, Interval(lower: 0, upper: upper)), "\(explained)")
  }

  @Test("ε² and its interval estimate the share among unlimited seeds", arguments: [(5, 0.0), (5, 0.5), (20, 2.0)])
  func coverage(seeds: Int, variance: Double) throws {
    // Effects of cells ±√variance, and normal seeds of variance 1.
    let share = variance / (variance + 1)
    var sum = 0.0
    try expectCoverage("ε², \(seeds) seeds, \(variance)", trials: 300, slack: 0.03) { stream in
      var stream = stream
      var table = Table((4, 4, seeds)) { a, b, _ in Self.sign((a + b) % 2) * variance.squareRoot() }
      for row in table.scores.indices { table.scores[row] += stream.normalPair().0 }
      let explained = try #require(table.explained(Resamples(200, from: stream.split("resamples"))))
      let interval = try #require(explained.objectiveAndStrength.adjustedInterval)
      sum += try #require(explained.objectiveAndStrength.adjusted)
      return interval.lower <= share && share <= interval.upper
    }
    // η² is (K − 1)/(N − 1) = 0.19 on average where there is no effect. ε² varies by 0.09 at most, its mean by 0.005.
    #expect(abs(sum / 300 - share) < 0.02, "\(sum / 300)")
  }
}
