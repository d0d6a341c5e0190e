import Studies
import TensorCore
import TestSupport
import Testing

@Suite("Quantiles and resamples")
struct QuantilesTests {
  private static func numbers(_ quantiles: Quantiles) -> [Double] {
    [
      quantiles.minimum, quantiles.lowerQuartile, quantiles.median, quantiles.upperQuartile, quantiles.maximum,
      quantiles.mean, quantiles.standardError ?? .nan,
    ]
  }

  @Test("Closed forms: five values, two, and one")
  func closedForms() throws {
    let five = try #require(Quantiles(of: [5, 1, 4, 2, 3]))
    #expect(Self.numbers(five).dropLast() == [1, 2, 3, 4, 5, 3])
    // √(10/4)/√5.
    #expect(isClose(five.standardError, 0.5.squareRoot()))
    let two = try #require(Quantiles(of: [0, 1]))
    #expect(Self.numbers(two).dropLast() == [0, 0.25, 0.5, 0.75, 1, 0.5] && isClose(two.standardError, 0.5))
    let one = try #require(Quantiles(of: [7]))
    #expect(Self.numbers(one).dropLast() == [7, 7, 7, 7, 7, 7] && one.standardError == nil)
    let equal = try #require(Quantiles(of: [0.1, 0.1, 0.1]))
    #expect(Self.numbers(equal) == [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0])
  }

  @Test("Values that are not finite are left out and counted")
  func missing() throws {
    #expect(Quantiles(of: []) == nil && Quantiles(of: [.nan, .infinity, -.infinity]) == nil)
    var some = try #require(Quantiles(of: [.nan, 2, -.infinity, 1, .infinity, 4]))
    #expect(some.count == 3 && some.missing == 3)
    some.missing = 0
    #expect(some == Quantiles(of: [1, 2, 4]))
  }

  @Test("All are NumPy's", .enabled(if: SciPy.isInstalled, SciPy.missing))
  func numpy() throws {
    let samples = [2, 3, 4, 5, 50, 301].map { SyntheticScores.uniform($0, seed: UInt64($0)) }
    let program = """
      for row in table:
        show(np.quantile(row, [0, .25, .5, .75, 1]), row.mean(), stats.sem(row), np.quantile(row, .025))
      """
    let ours = try samples.flatMap { sample in
      Self.numbers(try #require(Quantiles(of: sample))) + [Quantiles.interpolated(sample.sorted(), at: 0.025)]
    }
    // NumPy interpolates from the nearer end: numbers below 1 differ by some 1e-16.
    #expect(absoluteDifference(ours, try SciPy.numbers(program, samples)) < 1e-14)
  }

  @Test("Fewer than two resamples give no interval")
  func resamples() {
    let x = [1.0, 2, 3, 4], y = [2.0, 1, 4, 3]
    for count in [-1, 0, 1] {
      let resamples = Resamples(count, from: RandomStream(seed: 1))
      #expect(RankCorrelation.spearman(x, y, resamples: resamples).interval == nil)
      #expect(ProbabilityOfSuperiority.of(x, over: y, resamples: resamples).interval == nil)
      #expect(ModelChoice.of(x, by: y, better: .higher, resamples: resamples)?.interval == nil)
    }
  }
}
