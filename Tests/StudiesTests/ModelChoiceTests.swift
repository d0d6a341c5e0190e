import Studies
import TensorCore
import TestSupport
import Testing

@Suite("Choice of models without labels")
struct ModelChoiceTests {
  private static let resamples = Resamples(100, from: RandomStream(seed: 1))

  @Test("The run with the best value is chosen, beside the mean and the best")
  func closedForm() throws {
    let scores = [0.2, 0.9, 0.4, 0.5], chooser = [1.0, 7, 9, 3]
    let high = try #require(ModelChoice.of(scores, by: chooser, better: .higher))
    #expect(high.chosen == 0.4 && isClose(high.random, 0.5) && high.best == 0.9 && high.tied == 1 && high.count == 4)
    #expect(isClose(high.shareOfGain, -0.25) && high.interval == nil)
    let low = try #require(ModelChoice.of(scores, by: chooser.map { -$0 / 2 }, better: .lower))
    #expect(low == high)
    #expect(ModelChoice.of(scores, by: scores, better: .higher)?.shareOfGain == 1)
    #expect(isClose(ModelChoice.of(scores, by: chooser, better: .lower)?.chosen, 0.2))
  }

  @Test("Runs that tie count with their mean; where all tie, the choice is a random one")
  func ties() throws {
    let tied = try #require(ModelChoice.of([0.2, 0.8, 0.4], by: [5, 5, 1], better: .higher))
    #expect(isClose(tied.chosen, 0.5) && tied.tied == 2)
    let all = try #require(ModelChoice.of([0.2, 0.8, 0.4], by: [0, -0.0, 0], better: .lower))
    #expect(isClose(all.chosen, all.random) && isClose(all.shareOfGain, 0) && all.tied == 3)
  }

  @Test("One run, equal scores, and no run; missing values are left out and counted")
  func degenerate() throws {
    func of(_ scores: [Double], _ chooser: [Double]) -> ModelChoice? {
      ModelChoice.of(scores, by: chooser, better: .higher, resamples: Self.resamples)
    }
    let one = try #require(of([0.3], [1]))
    #expect(one.chosen == 0.3 && one.random == 0.3 && one.best == 0.3)
    #expect(one.shareOfGain == nil && one.interval == nil)
    let equal = try #require(of([0.1, 0.1, 0.1], [1, 2, 3]))
    #expect(equal.shareOfGain == nil && equal.interval == Interval(lower: 0.1, upper: 0.1))
    #expect(of([], []) == nil && of([.nan, 1], [1, .nan]) == nil)
    var some = try #require(of([.nan, 0.4, 0.6, .infinity, 0.1], [9, 2, 1, 9, .infinity]))
    #expect(some.count == 2 && some.missing == 3 && some.chosen == 0.4)
    some.missing = 0
    #expect(some == of([0.4, 0.6], [2, 1]))
  }

  @Test("The lower end is the first score that is missed, with all better ones, in less than 2.5 % of resamples")
  func interval() throws {
    // The best k of many runs are all missed in exp(−k) of resamples: 5.0 % for 3, 1.8 % for 4.
    let scores = (0..<1000).map(Double.init), many = Resamples(8000, from: RandomStream(seed: 2))
    let choice = try #require(ModelChoice.of(scores, by: scores.map { -$0 }, better: .lower, resamples: many))
    #expect(choice.interval == Interval(lower: 996, upper: 999))
    // Runs that are drawn several times count as often among those that tie.
    let resamples = Resamples(300, from: RandomStream(seed: 3)), values = [1.0, 2, 5, 11]
    let tied = try #require(ModelChoice.of(values, by: [0, 0, 0, 0], better: .higher, resamples: resamples))
    let expected = SyntheticScores.interval(resamples) { stream in
      SyntheticScores.drawn(4, &stream).reduce(0) { $0 + values[$1] } / 4
    }
    #expect(isClose(tied.interval, expected))
  }

  @Test("Within groups, each has a choice of its own, and the mean is over those that have one")
  func groups() throws {
    let scores = [0.1, 0.9, 0.5, 0.3, .nan, 0.7], chooser = [1.0, 2, 9, 8, 1, 7]
    let groups = ["b", "b", "a", "a", "none", "a"]
    let result = ModelChoice.of(scores, by: chooser, better: .higher, within: groups, resamples: Self.resamples)
    #expect(result.groups == ["b", "a", "none"])
    #expect(result.choices.map { $0?.chosen } == [0.9, 0.5, nil])
    #expect(result.choices[1]?.count == 3 && result.choices[1]?.best == 0.7)
    let mean = try #require(result.mean)
    #expect(isClose(mean.chosen, 0.7) && isClose(mean.random, 0.5) && isClose(mean.best, 0.8))
    #expect(isClose(mean.shareOfGain, 2.0 / 3) && mean.count == 5 && mean.missing == 1 && mean.tied == 2)
    let alone = ModelChoice.of(
      [0.5, 0.3, 0.7], by: [9, 8, 7], better: .higher,
      resamples: Resamples(100, from: Self.resamples.stream.split("group", 1)))
    #expect(result.choices[1] == alone && alone?.interval != nil)
    // Every resample takes one of two scores of b and one of three of a.
    let interval = try #require(mean.interval)
    #expect(interval.lower >= 0.2 && interval.upper <= 0.8 && interval.lower < interval.upper)
    let nothing = ModelChoice.of([.nan], by: [1], better: .lower, within: ["a"], resamples: Self.resamples)
    #expect(nothing.choices == [nil] && nothing.mean == nil)
    let equal = ModelChoice.of([0.1, 0.1, 0.3], by: [1, 2, 3], better: .lower, within: ["a", "a", "b"])
    #expect(equal.mean?.shareOfGain == nil && isClose(equal.mean?.chosen, 0.2))
  }

  @Test("The mean over groups of one run has no interval, and of others that of runs drawn within each")
  func groupedInterval() throws {
    let single = ModelChoice.of(
      [1, 2], by: [1, 2], better: .higher, within: ["a", "b"], resamples: Self.resamples)
    #expect(single.mean?.interval == nil && single.mean?.chosen == 1.5)
    let scores = [1.0, 2, 5, 0, 4, 9], groups = ["a", "a", "a", "b", "b", "b"]
    let result = ModelChoice.of(scores, by: scores, better: .higher, within: groups, resamples: Self.resamples)
    let plan = Resamples(100, from: Self.resamples.stream.split("mean", 0))
    let expected = SyntheticScores.interval(plan) { stream in
      let a = SyntheticScores.drawn(3, &stream).map { scores[$0] }
      let b = SyntheticScores.drawn(3, &stream).map { scores[$0 + 3] }
      return ((a.max() ?? .nan) + (b.max() ?? .nan)) / 2
    }
    #expect(isClose(result.mean?.interval, expected))
  }
}
