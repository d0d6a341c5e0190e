import Foundation
import RateDecomposition
import TensorCore
import Testing

@Suite("Minibatch estimators beside the exact decomposition")
struct MinibatchEstimatorTests {
  /// One row of the table of estimator biases: D = 10, N = 737,280, five dimensions at σ² = .05, aggregate N(0, I).
  struct Row: Sendable, CustomTestStringConvertible {
    var estimator: MinibatchEstimator
    var batch: Int, batches: Int
    var expected: [Double]
    /// What the table's own rounding and simulation leave open.
    var tolerance: [Double]
    var testDescription: String { "\(estimator.rawValue), B = \(batch)" }
  }

  static let rows = [
    Row(estimator: .weighted, batch: 64, batches: 200, expected: [17.6, 124.8, -134.8], tolerance: [0.1, 0.15, 0.15]),
    Row(estimator: .stratified, batch: 64, batches: 200, expected: [11.3, -3.26, -0.46], tolerance: [0.1, 0.1, 0.1]),
    Row(estimator: .weighted, batch: 2048, batches: 3, expected: [20.1, 122.5, -135.1], tolerance: [0.1, 0.15, 0.15]),
    Row(estimator: .stratified, batch: 2048, batches: 3, expected: [8.33, -0.82, -0.01], tolerance: [0.1, 0.1, 0.05]),
  ]

  @Test("are off by the known amounts", arguments: rows)
  func table(row: Row) throws {
    let posterior = try syntheticPosterior(count: 60_000, seed: 21)
    let zero = MinibatchEstimate.Terms(mutualInformation: 7.49, totalCorrelation: 0, dimensionWiseKL: 0)
    let estimate = MinibatchEstimate(
      row.estimator, of: posterior, exact: zero, batchSize: row.batch, batches: row.batches, dataCount: 737_280,
      from: RandomStream(seed: 22))
    let error = try #require(estimate.standardError)
    let errors = [error.mutualInformation, error.totalCorrelation, error.dimensionWiseKL]
    let values = [estimate.mutualInformation, estimate.totalCorrelation, estimate.dimensionWiseKL]
    for k in 0..<3 {
      // Three batches give a rough standard error: its floor is that of 2048 codes of a term that varies by about 2.
      let bound = row.tolerance[k] + 4 * max(errors[k], row.batch == 2048 ? 0.03 : 0)
      #expect(abs(values[k] - row.expected[k]) < bound, "cell \(k): \(values[k]), table \(row.expected[k]) ± \(bound)")
      #expect(bound < 0.6)
    }
    #expect(abs(estimate.bias.mutualInformation - (estimate.mutualInformation - 7.49)) < 1e-12)
    #expect(estimate.bias.totalCorrelation == estimate.totalCorrelation)
  }

  @Test("Each term has the standard error of its own batches")
  func standardErrors() throws {
    let posterior = try syntheticPosterior(count: 50, seed: 21)
    let zero = MinibatchEstimate.Terms(mutualInformation: 0, totalCorrelation: 0, dimensionWiseKL: 0)
    let values = (1...2).map {
      MinibatchEstimate(.weighted, of: posterior, exact: zero, batchSize: 8, batches: $0, from: RandomStream(seed: 9))
    }
    let error = try #require(values[1].standardError)
    // Of two batches a and b it is |a − b|/2, and a + b is twice the mean.
    func expected(_ term: KeyPath<MinibatchEstimate, Double>) -> Double {
      abs(values[0][keyPath: term] - values[1][keyPath: term])
    }
    #expect(abs(error.mutualInformation - expected(\.mutualInformation)) < 1e-9)
    #expect(abs(error.totalCorrelation - expected(\.totalCorrelation)) < 1e-9)
    #expect(abs(error.dimensionWiseKL - expected(\.dimensionWiseKL)) < 1e-9)
  }

  @Test("one batch is enough, and has no standard error; each batch counts once")
  func batches() throws {
    let posterior = try syntheticPosterior(count: 50, seed: 21)
    let zero = MinibatchEstimate.Terms(mutualInformation: 0, totalCorrelation: 0, dimensionWiseKL: 0)
    let estimates = (1...3).map {
      MinibatchEstimate(.weighted, of: posterior, exact: zero, batchSize: 8, batches: $0, from: RandomStream(seed: 9))
    }
    #expect(estimates[0].standardError == nil && estimates[1].standardError != nil)
    // Batches have streams of their own: the third alone is what three have beyond two.
    let sums = estimates.enumerated().map { Double($0 + 1) * $1.totalCorrelation }
    let single = [sums[0], sums[1] - sums[0], sums[2] - sums[1]]
    #expect(single.allSatisfy { abs($0 - single[0]) < 10 }, "\(single)")
    #expect(Set(single).count == 3)
  }

  @Test("the exact decomposition of the same posterior: MI 7.49, TC and dimension-wise KL near 0")
  func exact() throws {
    let posterior = try syntheticPosterior(count: 737_280, seed: 23)
    let result = try RateDecomposition(
      of: posterior, options: options(samples: 2_000, batches: 1), on: Device())
    // 737,280 random means are not quite their distribution: a code has about 400 of them within reach, which biases the
    // mean of log q(z) by about half of 1/400 per code.
    let error = try #require(result.totalCorrelation.standardError)
    #expect(error < 0.02)
    #expect(abs(result.totalCorrelation.value) < 0.03 + 4 * error, "TC \(result.totalCorrelation)")
    #expect(abs(result.dimensionWiseKL.value) < 1e-3)
    #expect(abs(result.mutualInformation.value - 2.5 * log(20)) < 0.03 + 4 * error, "MI \(result.mutualInformation)")
    #expect(abs(result.identityResidual) < 1e-9)
    #expect(result.activeUnits == 5)
  }

  @Test("stratified weights: unbiased for the density of the own code, weighted ones are not")
  func density() throws {
    // The mean of q̂(z₀) over batches that hold data point 0, against q(z₀) over all: 1 for the stratified estimator.
    let posterior = try LinearGaussian.example.posterior(count: 256, seed: 24)
    let device = Device(threads: 1), d = 3, batch = 8
    let code = [Float](posterior.means[0..<3])
    let exact = AggregatePosterior(posterior, on: device).logDensities(of: code, marginals: false).joint[0]
    var stream = RandomStream(seed: 25)
    var ratios: [MinibatchEstimator: [Double]] = [:]
    for _ in 0..<20_000 {
      let others = (0..<batch - 1).map { _ in 1 + stream.integer(below: 255) }
      let rows = [0] + others
      let means = rows.flatMap { posterior.means[$0 * d..<$0 * d + d].map { Double($0) } }
      let logVariances = rows.flatMap { posterior.logVariances[$0 * d..<$0 * d + d].map { Double($0) } }
      let codes = code.map { Double($0) } + [Double](repeating: 0, count: (batch - 1) * d)
      for estimator in MinibatchEstimator.allCases {
        let joint = estimator.densities(
          codes: codes, means: means, logVariances: logVariances, latents: d, dataCount: 256
        ).joint[0]
        ratios[estimator, default: []].append(exp(joint - exact))
      }
    }
    let stratified = Estimate(meanOf: ratios[.stratified] ?? []), weighted = Estimate(meanOf: ratios[.weighted] ?? [])
    #expect(abs(stratified.value - 1) < 4 * (stratified.standardError ?? 0), "\(stratified)")
    #expect(weighted.value < 0.1)
  }
}
