import Diagnostics
import DisentanglementMetrics
import RateDecomposition
import TensorCore
import TestSupport
import Testing

/// Every metric and every learner on 1, 2, 3, 8 and 64 threads gives the result of one thread.
@Suite("Thread counts: metrics") struct MetricThreadCountTests {
  @Test(arguments: Registry<MetricEntry>.standard.names)
  func `Metrics`(name: String) throws {
    let entry = try #require(Registry<MetricEntry>.standard[name])
    let metric = try decode(entry.configuration, "{}", preset: .fast).metric()
    let codes = try TestCodes.rotated.codes
    let posterior = try PosteriorTable(
      means: codes.codes, logVariances: [Float](repeating: -3, count: codes.codes.count), latents: codes.latents)
    func result(_ threads: Int) throws -> MetricResult {
      try metric.evaluate(
        MetricInput(codes: codes, posterior: posterior, device: Device(threads: threads)), stream: RandomStream(seed: 3)
      )
    }
    let alone = try result(1)
    #expect(!alone.scores.isEmpty)
    for threads in threadCounts {
      let other = try result(threads)
      // The integral over the posteriors is a sum that is split among the threads; all else is counted or solved alone.
      let isSame =
        name == "mig-exact"
        ? relativeDifference(other.scores.map { $0.value ?? 0 }, alone.scores.map { $0.value ?? 0 }) < 1e-9
        : other == alone
      #expect(isSame, "\(threads) threads")
    }
  }

  private static let problem: (rows: FeatureMatrix, labels: [Int32]) = {
    var stream = RandomStream(seed: 1)
    let values = (0..<150 * 3).map { _ in stream.normalPair().0 }
    let labels = (0..<150).map { n in Int32(values[n * 3] > 0 ? 1 : 0) + (values[n * 3 + 1] > 0.5 ? 2 : 0) }
    return (FeatureMatrix(values, features: 3), labels)
  }()

  private func check(_ classifier: some Classifier) throws {
    let (rows, labels) = Self.problem
    func result(_ threads: Int) throws -> [Double] {
      let device = Device(threads: threads)
      let model = try classifier.fit(rows, labels: labels, stream: RandomStream(seed: 4), device: device)
      return model.decisionValues(rows, device: device) + (model.importances ?? [])
    }
    let alone = try result(1)
    #expect(alone.allSatisfy({ $0.isFinite }) && Set(alone).count > 2)
    for threads in threadCounts {
      let isSame = try result(threads) == alone
      #expect(isSame, "\(threads) threads")
    }
  }

  @Test func `Boosted trees`() throws { try check(GradientBoosting(rounds: 5)) }
  @Test func `Random forests`() throws { try check(RandomForest(trees: 10)) }
  @Test func `Logistic regression`() throws { try check(LogisticRegression()) }
  @Test func `Logistic regression with a penalty chosen by cross-validation`() throws {
    try check(CrossValidatedLogisticRegression(folds: 3))
  }
  @Test func `Support vector machines`() throws { try check(LinearSVM()) }
}
