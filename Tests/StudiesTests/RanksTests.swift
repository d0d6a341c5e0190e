import Studies
import TestSupport
import Testing

@Suite("Ranks")
struct RanksTests {
  @Test("Equal values share the mean of their ranks, and values that are not finite have none")
  func ties() {
    #expect(Ranks.average([10, 20, 10, 5, 20, 20]) == [2.5, 5, 2.5, 1, 5, 5])
    #expect(Ranks.average([3, 3, 3]) == [2, 2, 2])
    #expect(Ranks.average([0.0, -0.0]) == [1.5, 1.5])
    #expect(Ranks.average([7]) == [1])
    #expect(Ranks.average([]) == [])
    let ranks = Ranks.average([.nan, 2, .infinity, 1, -.infinity, 2])
    #expect([0, 2, 4].allSatisfy { ranks[$0].isNaN })
    #expect([ranks[1], ranks[3], ranks[5]] == [2.5, 1, 2.5])
    #expect(Ranks.average([.nan, .nan]).allSatisfy { $0.isNaN })
  }

  @Test("The ranks are SciPy's, to the last bit", .enabled(if: SciPy.isInstalled, SciPy.missing))
  func scipy() throws {
    let samples = [
      SyntheticScores.uniform(200, seed: 1), SyntheticScores.uniform(200, seed: 2, levels: 7),
      SyntheticScores.withMissing(100, seed: 3, levels: 9, every: 6), [1.5], [2, 2],
    ]
    let theirs = try SciPy.numbers("for row in table: show(stats.rankdata(row, nan_policy='omit'))", samples)
    let ours = samples.flatMap(Ranks.average)
    try #require(ours.count == theirs.count)
    for (a, b) in zip(ours, theirs) { #expect(a == b || (a.isNaN && b.isNaN), "\(a), SciPy \(b)") }
    #expect(ours.count { $0.isNaN } == 16)
  }
}
