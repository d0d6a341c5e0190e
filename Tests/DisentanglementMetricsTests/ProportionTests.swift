import Foundation
import TensorCore
import Testing

@testable import DisentanglementMetrics

@Suite("Standard errors of accuracies")
struct ProportionTests {
  /// The probability that p lies within 1.96 standard errors of the share that is seen, exactly, over the binomial
  /// distribution of n trials.
  private func coverage(_ p: Double, _ n: Int, _ error: (_ share: Double) -> Double) -> Double {
    (0...n).reduce(0.0) { sum, successes in
      let k = Double(successes), count = Double(n), share = k / count
      guard abs(share - p) <= 1.96 * error(share) else { return sum }
      let logProbability =
        lgamma(count + 1) - lgamma(k + 1) - lgamma(count - k + 1) + k * log(p) + (count - k) * log(1 - p)
      return sum + exp(logProbability)
    }
  }

  @Test func `An interval of two standard errors covers the true accuracy, also near 1, where √(p(1−p)/n) does not`() {
    var worst = 1.0, worstBefore = 1.0
    for n in [20, 50, 500] {
      for p in [0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999] {
        worst = min(worst, coverage(p, n) { Proportion.standardError($0, of: n) })
        worstBefore = min(worstBefore, coverage(p, n) { ($0 * (1 - $0) / Double(n)).squareRoot() })
      }
    }
    // Around the share and not around (x + 2)/(n + 4), an interval of Agresti and Coull covers somewhat less than 95 %.
    #expect(worst > 0.88, "\(worst)")
    #expect(worstBefore < 0.1, "\(worstBefore)")
  }

  @Test func `At 0 and 1 it is what four more trials say, and far from them what it always was`() {
    #expect(abs(Proportion.standardError(1, of: 96) - (0.98 * 0.02 / 100).squareRoot()) < 1e-15)
    #expect(abs(Proportion.standardError(0, of: 96) - (0.98 * 0.02 / 100).squareRoot()) < 1e-15)
    #expect(abs(Proportion.standardError(0.5, of: 10_000) - 0.005) < 2e-6)
    // Of shares that are 0 or 1 the general form is the same.
    let shares = [Double](repeating: 1, count: 90) + [Double](repeating: 0, count: 10)
    #expect(abs(Proportion.standardError(ofShares: shares) - Proportion.standardError(0.9, of: 100)) < 1e-15)
  }

  @Test func `The error of a ratio is that of its logarithm's difference for small errors`() {
    // a′ and b′ independent and of equal frequency: Var(a/b) = (a/b)²·[(1 − a)/a + (1 − b)/b]/n.
    var a: [Double] = [], b: [Double] = []
    for n in 0..<4_000 {
      a.append(n % 2 == 0 ? 1 : 0)
      b.append(n % 10 < 8 ? 1 : 0)
    }
    let covariance = zip(a, b).reduce(0) { $0 + ($1.0 - 0.5) * ($1.1 - 0.8) }
    #expect(abs(covariance) < 1e-9)
    let expected = 0.5 / 0.8 * ((0.5 / 0.5 + 0.2 / 0.8) / 4_000).squareRoot()
    #expect(abs(Proportion.standardError(ofRatio: a, to: b) / expected - 1) < 2e-3)
    #expect(Proportion.standardError(ofRatio: [1, 1, 1], to: [1, 1, 1]) > 0)
  }

  @Test func `An accuracy of 1 on new data is uncertain, and one on learnt data has no standard error`() throws {
    for (configuration, settings) in [
      (FactorVAEScore.Configuration.self as any MetricConfiguration.Type, "{train_votes: 300, evaluation_votes: 150}"),
      (BetaVAEScore.Configuration.self, "{train_points: 300, evaluation_points: 150}"),
    ] {
      let result = try decode(configuration, settings).metric().evaluate(
        TestCodes.perfect.input(), stream: RandomStream(seed: 5))
      let score = try #require(result.score("score")), trained = try #require(result.score("train_accuracy"))
      let error = try #require(score.standardError)
      #expect(score.value == 1)
      #expect(abs(error - (152.0 / 154 * 2 / 154 / 154).squareRoot()) < 1e-15, "\(error)")
      #expect(trained.value != nil && trained.standardError == nil)
    }
    let downstream = try decode(Downstream.Configuration.self, "{labels: [100, 400], test_points: 200}").metric()
      .evaluate(TestCodes.perfect.input(), stream: RandomStream(seed: 5))
    for score in downstream.scores { #expect((score.standardError ?? 0) > 0.001, "\(score)") }
  }
}

@Suite("Standard errors of a few repeats")
struct RepeatsTests {
  private func report(_ settings: String) throws -> EvaluationReport {
    let configuration = try EvaluationTests().configuration(settings)
    return try EvaluationReport([("run", TestCodes.rotated.input())], configuration)
  }

  @Test func `Scores over repeats or parts of the data say how many there were, in every form`() throws {
    let report = try report(
      "{metrics: [dci, infomec, mig], dci: {learner: lasso, repeats: 3, train_points: 300, test_points: 100}}")
    let entries = report.runs[0].evaluation.metrics
    func repeats(_ metric: Int, _ score: String) -> Int? { entries[metric].result.score(score)?.repeats }
    #expect(repeats(0, "disentanglement") == 3 && repeats(0, "informativeness_test") == 3)
    #expect(repeats(1, "modularity") == 10 && repeats(1, "explicitness") == nil)
    #expect(repeats(2, "mig") == nil && entries[2].result.score("mig")?.standardError != nil)
    let text = report.text()
    #expect(text.contains(try Regex("± [0-9.e-]+ \\(3 repeats\\)")) && text.contains("(10 repeats)"), "\(text)")
    #expect(report.text(.markdown).contains("(3 repeats)"))
    #expect(try report.json().contains("\"repeats\" : 3"))
    let row = report.csv().split(separator: "\n").first { $0.hasPrefix("dci,disentanglement,") }
    #expect(row?.split(separator: ",", omittingEmptySubsequences: false).dropFirst(4).first == "3", "\(row ?? "none")")
  }

  @Test func `A spread needs two values`() {
    #expect(Bootstrap.standardDeviation([]) == nil && Bootstrap.standardDeviation([1]) == nil)
    #expect(Bootstrap.standardDeviation([1, 3]) == 2.0.squareRoot())
  }

  @Test func `Informativeness of a single repeat has an error over data points`() throws {
    let report = try report(
      "{metrics: [dci], dci: {learner: random-forest, repeats: 1, train_points: 300, test_points: 100}}")
    let score = try #require(report.runs[0].evaluation.metrics[0].result.score("informativeness_test"))
    #expect((score.standardError ?? 0) > 0 && score.repeats == nil)
    #expect(!report.text().contains("repeats)"))
  }
}
