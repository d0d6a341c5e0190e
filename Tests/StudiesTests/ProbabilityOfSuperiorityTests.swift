import Foundation
import Studies
import TensorCore
import TestSupport
import Testing

@Suite("Probability of superiority")
struct ProbabilityOfSuperiorityTests {
  private typealias Superiority = ProbabilityOfSuperiority

  @Test("It is 1, 0 and ½ for samples above, below and equal to another, and a tie counts half")
  func closedForms() {
    #expect(Superiority.of([3, 4], over: [1, 2, 2.5]).probability == 1)
    #expect(Superiority.of([1, 2], over: [3]).probability == 0)
    #expect(Superiority.of([1, 1], over: [1, 1, 1]).probability == 0.5)
    // Of 6 pairs (2 and 3 against 1, 2 and 3), 1 + ½ and 2 + ½ are won.
    #expect(isClose(Superiority.of([2, 3], over: [1, 2, 3]).probability, 4.0 / 6))
    #expect(isClose(Superiority.of([1, 2, 3], over: [2, 3]).probability, 2.0 / 6))
  }

  @Test("Groups of one have a probability without an interval, and none is of no scores; missing ones are left out")
  func degenerate() {
    let resamples = Resamples(50, from: RandomStream(seed: 1))
    func of(_ a: [Double], _ b: [Double]) -> ProbabilityOfSuperiority { .of(a, over: b, resamples: resamples) }
    let ones = of([2], [1])
    #expect(ones.probability == 1 && ones.count == 1 && ones.otherCount == 1 && ones.interval == nil)
    #expect(of([2], [1, 3]).interval == nil && of([2, 1], [1]).interval == nil)
    let empty = of([], [1, 2]), missing = of([1], [.nan])
    #expect(empty.probability == nil && empty.count == 0 && empty.otherCount == 2 && empty.interval == nil)
    #expect(missing.probability == nil && missing.count == 1 && missing.otherCount == 0)
    let partial = of([.nan, 2, .infinity, 3], [-.infinity, 1, 2, 3, .nan])
    #expect(partial == of([2, 3], [1, 2, 3]) && partial.count == 2 && partial.otherCount == 3)
  }

  @Test("It is SciPy's U by n·m, with and without ties", .enabled(if: SciPy.isInstalled, SciPy.missing))
  func scipy() throws {
    let samples = [
      SyntheticScores.uniform(40, seed: 1), SyntheticScores.uniform(31, seed: 2).map { $0 * 1.3 },
      SyntheticScores.uniform(25, seed: 3, levels: 6), SyntheticScores.uniform(50, seed: 4, levels: 6), [0.5],
    ]
    let program = """
      for a in table:
        for b in table: show(stats.mannwhitneyu(a, b).statistic / len(a) / len(b))
      """
    let ours = Superiority.matrix(samples).flatMap { $0.map { $0.probability ?? .nan } }
    #expect(absoluteDifference(ours, try SciPy.numbers(program, samples)) < 1e-15)
  }

  @Test("The matrix holds each pair; (i, j) and (j, i) add up to 1, and so do the ends of their intervals")
  func matrix() throws {
    let groups = [
      SyntheticScores.uniform(9, seed: 1), SyntheticScores.uniform(12, seed: 2, levels: 5), [],
      SyntheticScores.uniform(7, seed: 3) + [.nan],
    ]
    let resamples = Resamples(60, from: RandomStream(seed: 7))
    let matrix = Superiority.matrix(groups, resamples: resamples)
    for i in groups.indices {
      for j in groups.indices where i != j {
        let pair = Superiority.of(groups[i], over: groups[j])
        #expect(matrix[i][j].count == pair.count && matrix[i][j].otherCount == pair.otherCount)
        if i == 2 || j == 2 {
          #expect(matrix[i][j].probability == nil && matrix[i][j].interval == nil)
        } else {
          let expected = try #require(pair.probability)
          #expect(isClose(matrix[i][j].probability, expected))
          let forth = try #require(matrix[i][j].interval), back = try #require(matrix[j][i].interval)
          #expect(isClose(1 - forth.lower, back.upper) && isClose(1 - forth.upper, back.lower))
          #expect(forth.lower < forth.upper)
        }
      }
      #expect(matrix[i][i].probability == (i == 2 ? nil : 0.5) && matrix[i][i].interval == nil)
    }
  }

  @Test("The interval is that of both samples drawn with replacement")
  func interval() throws {
    let a = SyntheticScores.uniform(15, seed: 4, levels: 8), b = SyntheticScores.uniform(10, seed: 5, levels: 8)
    let resamples = Resamples(200, from: RandomStream(seed: 9))
    let ours = Superiority.of(a, over: b, resamples: resamples)
    let expected = try SyntheticScores.interval(resamples) { stream in
      let first = SyntheticScores.drawn(15, &stream).map { a[$0] }
      let second = SyntheticScores.drawn(10, &stream).map { b[$0] }
      return try #require(Superiority.of(first, over: second).probability)
    }
    #expect(isClose(ours.interval, expected), "\(ours)")
  }

  @Test("The interval covers Φ(δ/√2) of normal samples that differ by δ in 95 % of them")
  func coverage() throws {
    let delta = 0.7, expected = 0.5 * erfc(-delta / 2)
    try expectCoverage("superiority", trials: 400, slack: 0.02) { stream in
      var stream = stream
      let a = (0..<40).map { _ in stream.normalPair().0 + delta }, b = (0..<50).map { _ in stream.normalPair().0 }
      let result = Superiority.of(a, over: b, resamples: Resamples(200, from: stream.split("resamples")))
      let interval = try #require(result.interval)
      return interval.lower <= expected && expected <= interval.upper
    }
  }
}
