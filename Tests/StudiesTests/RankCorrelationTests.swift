import Foundation
import Studies
import TensorCore
import TestSupport
import Testing

@Suite("Rank correlation")
struct RankCorrelationTests {
  /// Columns with ties, missing values, a constant, and nothing at all.
  private static let columns = [
    SyntheticScores.uniform(60, seed: 1), SyntheticScores.uniform(60, seed: 2, levels: 5),
    SyntheticScores.withMissing(60, seed: 3, every: 7), SyntheticScores.withMissing(60, seed: 4, levels: 4, every: 5),
    [Double](repeating: 0.1, count: 60), [Double](repeating: .nan, count: 60),
    SyntheticScores.uniform(60, seed: 1).map { exp(-3 * $0) },
  ]

  @Test("It is 1 and −1 for monotone functions, and 1 − 6·Σd²/(N(N² − 1)) without ties")
  func closedForms() throws {
    let x = SyntheticScores.uniform(50, seed: 5)
    #expect(RankCorrelation.spearman(x, x.map { exp(9 * $0) }).coefficient == 1)
    #expect(RankCorrelation.spearman(x, x.map { -$0 * $0 * $0 }).coefficient == -1)
    // d = (−1, 1, −1, 1, 0), Σd² = 4.
    #expect(isClose(RankCorrelation.spearman([1, 2, 3, 4, 5], [2, 1, 4, 3, 5]).coefficient, 1 - 24.0 / 120))
    // Ranks (1.5, 1.5, 3) and (1, 2.5, 2.5): 0.75 / √(1.5 · 1.5).
    #expect(isClose(RankCorrelation.spearman([1, 1, 2], [1, 2, 2]).coefficient, 0.5))
  }

  @Test("There is none for a constant, or for fewer than 3 pairs; pairs with a missing value are left out")
  func degenerate() {
    let resamples = Resamples(50, from: RandomStream(seed: 1)), none = Double.nan
    func spearman(_ x: [Double], _ y: [Double]) -> RankCorrelation {
      RankCorrelation.spearman(x, y, resamples: resamples)
    }
    let cases: [(x: [Double], y: [Double], count: Int)] = [
      ([0.1, 0.1, 0.1], [1, 2, 3], 3), ([1, 2, 3], [5, 5, 5], 3), ([1, 2], [1, 2], 2), ([1], [1], 1), ([], [], 0),
      ([none, none, none], [1, 2, 3], 0), ([2, 2, none, 2], [1, 2, 3, 4], 3),
    ]
    for (x, y, count) in cases {
      let result = spearman(x, y)
      #expect(result.coefficient == nil && result.count == count && result.interval == nil, "\(x), \(y): \(result)")
    }
    let partial = spearman([1, none, 2, 3, .infinity, 4], [4, 0, 3, 2, 0, -.infinity])
    #expect(partial.coefficient == -1 && partial.count == 3 && partial.interval != nil)
  }

  @Test("The matrix holds the correlation of each pair, symmetric")
  func matrix() {
    let columns = Self.columns, matrix = RankCorrelation.matrix(columns)
    #expect(matrix.count == columns.count && RankCorrelation.matrix([]).isEmpty)
    for i in columns.indices {
      for j in columns.indices {
        let pair = RankCorrelation.spearman(columns[i], columns[j])
        #expect(matrix[i][j].count == pair.count && matrix[i][j] == matrix[j][i])
        #expect((matrix[i][j].coefficient == nil) == (pair.coefficient == nil))
        if let expected = pair.coefficient { #expect(isClose(matrix[i][j].coefficient, expected), "\(i), \(j)") }
      }
    }
    #expect(matrix[4][4].coefficient == nil && matrix[0][4].coefficient == nil && matrix[5][5].count == 0)
    #expect(matrix[2][2].coefficient == 1 && matrix[2][2].count == 52 && matrix[2][2].interval == nil)
    #expect(matrix[0][6].coefficient == -1)
  }

  @Test("Every pair is SciPy's over the pairs that both have", .enabled(if: SciPy.isInstalled, SciPy.missing))
  func scipy() throws {
    let varying = Self.columns.filter { Set($0.filter(\.isFinite)).count > 1 }
    let program = """
      for a in table:
        for b in table:
          both = ~np.isnan(a) & ~np.isnan(b)
          show(stats.spearmanr(a[both], b[both]).statistic, both.sum())
      """
    let theirs = try SciPy.numbers(program, varying)
    let ours = RankCorrelation.matrix(varying).flatMap { $0.flatMap { [$0.coefficient ?? .nan, Double($0.count)] } }
    // Sums of 60 products in double precision.
    #expect(ours.count == 2 * 25 && absoluteDifference(ours, theirs) < 1e-14)
  }

  @Test("The interval is that of the correlations of pairs drawn with replacement")
  func interval() throws {
    let x = SyntheticScores.uniform(30, seed: 8, levels: 9)
    let y = zip(x, SyntheticScores.uniform(30, seed: 9)).map { $0 + $1 }
    let resamples = Resamples(200, from: RandomStream(seed: 4))
    let ours = RankCorrelation.spearman(x, y, resamples: resamples)
    let expected = try SyntheticScores.interval(resamples) { stream in
      let rows = SyntheticScores.drawn(30, &stream)
      return try #require(RankCorrelation.spearman(rows.map { x[$0] }, rows.map { y[$0] }).coefficient)
    }
    #expect(isClose(ours.interval, expected), "\(ours)")
    #expect(ours == RankCorrelation.spearman(x, y, resamples: resamples))
    let others = Resamples(200, from: RandomStream(seed: 5))
    #expect(ours != RankCorrelation.spearman(x, y, resamples: others))
  }

  @Test("The interval covers (6/π)·asin(r/2) of normal pairs with the correlation r in 95 % of samples")
  func coverage() throws {
    let r = 0.6, expected = 6 / Double.pi * asin(r / 2)
    try expectCoverage("spearman", trials: 400, slack: 0.02) { stream in
      var stream = stream
      let pairs = (0..<80).map { _ in
        let (a, b) = stream.normalPair()
        return (a, r * a + (1 - r * r).squareRoot() * b)
      }
      let result = RankCorrelation.spearman(
        pairs.map(\.0), pairs.map(\.1), resamples: Resamples(200, from: stream.split("resamples")))
      let interval = try #require(result.interval)
      return interval.lower <= expected && expected <= interval.upper
    }
  }
}
