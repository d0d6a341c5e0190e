import Diagnostics
import Foundation
import RateDecomposition
import TensorCore
import Testing

@Suite("Audit of estimators")
struct EstimatorAuditTests {
  let device = Device(threads: 2)

  private func auditOptions(sizes: [Int], batches: Int, seed: UInt64 = 0) -> EstimatorAudit.Options {
    var options = EstimatorAudit.Options()
    (options.batchSizes, options.batches, options.seed) = (sizes, batches, seed)
    return options
  }

  private func row(_ audit: EstimatorAudit, _ estimator: EstimatorAudit.Estimator, _ size: Int) throws
    -> EstimatorAudit.Row
  {
    try #require(audit.rows.first { $0.estimator == estimator && $0.batchSize == size })
  }

  @Test("rows: exact first, then each estimator at each size once, the Gaussian also over all data")
  func rows() throws {
    let posterior = try LinearGaussian.example.posterior(count: 300, seed: 1)
    let exact = try RateDecomposition(of: posterior, options: options(samples: 500), on: device)
    let audit = try EstimatorAudit(
      of: posterior, exact: exact, options: auditOptions(sizes: [64, 1, 5_000, 1_000], batches: 3), on: device)
    #expect(
      audit.rows.map { "\($0.estimator.rawValue) \($0.batchSize)" } == [
        "exact 300", "mws 1", "mws 64", "mws 300", "mss 64", "mss 300", "gaussian 1", "gaussian 64", "gaussian 300",
      ])
    #expect(EstimatorAudit.Options().batchSizes == [64, 256, 1024])
    let first = audit.rows[0]
    #expect(first.totalCorrelation?.mean == exact.totalCorrelation.value && first.totalCorrelation?.bias == 0)
    #expect(first.mutualInformation?.standardError == exact.mutualInformation.standardError)
    #expect(try JSONDecoder().decode(EstimatorAudit.self, from: JSONEncoder().encode(audit)) == audit)
  }

  @Test("MWS and MSS are as in the decomposition's own column; bias and spread follow from the batches")
  func minibatch() throws {
    let posterior = try syntheticPosterior(count: 20_000, seed: 21)
    let exact = try RateDecomposition(of: posterior, options: options(samples: 1_000, batches: 100), on: device)
    let audit = try EstimatorAudit(
      of: posterior, exact: exact, options: auditOptions(sizes: [64], batches: 100), on: device)
    for (estimator, name) in [
      (MinibatchEstimator.weighted, EstimatorAudit.Estimator.weighted), (.stratified, .stratified),
    ] {
      let other = try #require(exact.minibatchEstimates.first { $0.estimator == estimator })
      let errors = try #require(other.standardError), row = try row(audit, name, 64)
      let pairs = [
        (row.mutualInformation, other.mutualInformation, errors.mutualInformation, exact.mutualInformation),
        (row.totalCorrelation, other.totalCorrelation, errors.totalCorrelation, exact.totalCorrelation),
      ]
      for (cell, mean, error, value) in pairs {
        let cell = try #require(cell), own = try #require(cell.standardError)
        #expect(abs(cell.mean - mean) < 4 * (own * own + error * error).squareRoot())
        #expect(abs(cell.bias - (cell.mean - value.value)) < 1e-12)
        #expect(abs((cell.standardDeviation ?? 0) - 10 * own) < 1e-12)
        #expect(abs((cell.biasStandardError ?? 0) - hypot(own, value.standardError ?? 0)) < 1e-12)
      }
    }
  }

  @Test("MSS over the whole data set is all but exact")
  func whole() throws {
    let posterior = try LinearGaussian.example.posterior(count: 500, seed: 4)
    let exact = try RateDecomposition(of: posterior, options: options(samples: 20_000), on: device)
    let audit = try EstimatorAudit(
      of: posterior, exact: exact, options: auditOptions(sizes: [500], batches: 40), on: device)
    let row = try row(audit, .stratified, 500)
    for cell in [row.mutualInformation, row.totalCorrelation, row.dimensionWiseKL] {
      let cell = try #require(cell)
      // One other element has the weight 1/N(N − 1) instead of 1/N, hence the rest 1/500 more.
      #expect(abs(cell.bias) < 4 * (cell.biasStandardError ?? 0) + 0.01, "\(cell)")
    }
  }

  @Test("the Gaussian approximation is exact for Gaussian codes, and its terms add up to the rate")
  func gaussian() throws {
    let model = LinearGaussian.example, posterior = try model.posterior(count: 200_000, seed: 5)
    let exact = try RateDecomposition(of: posterior, options: options(samples: 100), on: device)
    let audit = try EstimatorAudit(
      of: posterior, exact: exact, options: auditOptions(sizes: [64], batches: 2), on: device)
    let row = try row(audit, .gaussian, 200_000)
    let values = [row.mutualInformation, row.totalCorrelation, row.dimensionWiseKL].map { $0?.mean ?? .nan }
    let expected = [model.mutualInformation, model.totalCorrelation, model.dimensionWiseKL.reduce(0, +)]
    // Moments of 200,000 points are known to 1/√200,000 = 0.002 relative.
    for (a, b) in zip(values, expected) { #expect(abs(a - b) < 0.01, "\(a), exact \(b)") }
    #expect(abs(values.reduce(0, +) - exact.rate) < 1e-6)
    #expect(row.batches == 1 && row.mutualInformation?.standardError == 0)
    #expect(row.mutualInformation?.biasStandardError == exact.mutualInformation.standardError)
  }

  @Test("the Gaussian approximation overstates the information of codes that are not Gaussian")
  func bimodal() throws {
    let posterior = try PosteriorTable(
      means: [10, 10, -10, -10], logVariances: [Double](repeating: log(0.3), count: 4), latents: 2)
    let exact = try RateDecomposition(of: posterior, options: options(samples: 500), on: device)
    let audit = try EstimatorAudit(
      of: posterior, exact: exact, options: auditOptions(sizes: [2], batches: 1), on: device)
    let cell = try #require(try row(audit, .gaussian, 2).mutualInformation)
    // Σ = 100·(1 1; 1 1) + 0.3: det = 60.09, hence ½ log(60.09/0.09); the truth is log 2.
    #expect(abs(cell.mean - 0.5 * log(60.09 / 0.09)) < 1e-5)
    #expect(abs(cell.bias - (cell.mean - log(2))) < 1e-4)
  }

  @Test("a perfect density ratio has no bias; its row speaks of total correlation alone")
  func densityRatio() throws {
    let posterior = try LinearGaussian.example.posterior(count: 2_000, seed: 6)
    let exact = try RateDecomposition(of: posterior, options: options(samples: 10_000), on: device)
    let aggregate = AggregatePosterior(posterior, on: device)
    let audit = try EstimatorAudit(
      of: posterior, exact: exact, options: auditOptions(sizes: [64], batches: 60),
      logDensityRatio: { codes in
        let log = aggregate.logDensities(of: codes, marginals: true)
        return log.joint.indices.map { Float(log.joint[$0] - log.marginals[3 * $0..<3 * $0 + 3].reduce(0, +)) }
      }, on: device)
    let row = try row(audit, .discriminator, 64)
    #expect(row.mutualInformation == nil && row.dimensionWiseKL == nil)
    let cell = try #require(row.totalCorrelation)
    #expect(abs(cell.bias) < 4 * (cell.biasStandardError ?? 0), "\(cell)")
  }

  @Test("standard errors are those seen over repeated seeds")
  func honest() throws {
    let posterior = try LinearGaussian.example.posterior(count: 2_000, seed: 7)
    let exact = try RateDecomposition(of: posterior, options: options(samples: 100), on: device)
    let audits = try (0..<60).map {
      try EstimatorAudit(
        of: posterior, exact: exact, options: auditOptions(sizes: [32], batches: 10, seed: UInt64($0)), on: device)
    }
    for estimator in [EstimatorAudit.Estimator.weighted, .stratified, .gaussian] {
      let cells = try audits.map { try #require(try row($0, estimator, 32).totalCorrelation) }
      expectCalibrated(estimator.title, cells.map { Estimate(value: $0.mean, standardError: $0.standardError) })
    }
  }

  @Test("a Gaussian with a singular covariance has no total correlation, and no number that is none")
  func singular() throws {
    // Two latents with the same means and noise of 1e-13: 1 − R² is 1e-26, zero to rounding.
    let means = (0..<50).flatMap { [Double($0) / 10, Double($0) / 10] }
    let posterior = try PosteriorTable(means: means, logVariances: [Double](repeating: -60, count: 100), latents: 2)
    let exact = try RateDecomposition(of: posterior, options: options(samples: 100), on: device)
    let audit = try EstimatorAudit(
      of: posterior, exact: exact, options: auditOptions(sizes: [16], batches: 3), on: device)
    for size in [16, 50] {
      let row = try row(audit, .gaussian, size)
      #expect(row.totalCorrelation == nil && row.mutualInformation == nil)
      #expect(row.dimensionWiseKL?.mean.isFinite == true)
    }
    // Where one component is nearly, but not exactly, a function of the other, it is −½ log(1 − ρ²).
    let rho = 1 - 1e-8
    let total = try #require(GaussianDependence.totalCorrelation([4, 6 * rho, 6 * rho, 9], size: 2))
    // 1 − ρ² carries the rounding of ρ², 1e-16 of 2e-8.
    #expect(abs(total + 0.5 * log(1 - rho * rho)) < 1e-7)
    #expect(GaussianDependence.totalCorrelation([1, .nan, .nan, 1], size: 2) == nil)
    #expect(GaussianDependence.totalCorrelation([0, 0, 0, 1], size: 2) == nil)
  }

  @Test("no batches and empty ones are refused")
  func refused() throws {
    let posterior = try LinearGaussian.example.posterior(count: 20, seed: 1)
    let exact = try RateDecomposition(of: posterior, options: options(samples: 10), on: device)
    #expect(throws: StructuredError.self) {
      try EstimatorAudit(of: posterior, exact: exact, options: auditOptions(sizes: [4], batches: 0), on: device)
    }
    #expect(throws: StructuredError.self) {
      try EstimatorAudit(of: posterior, exact: exact, options: auditOptions(sizes: [0], batches: 1), on: device)
    }
  }

  @Test("What the objective penalises in place of TC is measured for small batches, of the means and the codes")
  func dependence() throws {
    let posterior = try LinearGaussian.example.posterior(count: 400, seed: 1)
    let exact = try RateDecomposition(of: posterior, options: options(samples: 100), on: device)
    let audit = try EstimatorAudit(
      of: posterior, exact: exact, options: auditOptions(sizes: [8, 256, 300], batches: 4),
      dependence: (
        "spread",
        { means, codes in
          let difference: [Double] = zip(means, codes).map { Double(($0 - $1) * ($0 - $1)) }
          return difference.reduce(0, +) / Double(codes.count / 3)
        }
      ), on: device)
    let rows = try #require(audit.dependence)
    #expect(rows.map(\.batchSize) == [8, 256] && rows.map(\.title) == ["spread", "spread"])
    // The mean of Σ_d σ_d²·ε² over a batch.
    let expected = LinearGaussian.example.variances.reduce(0, +)
    #expect(abs(rows[1].mean - expected) < 0.15)
    #expect(
      rows.allSatisfy { ($0.standardDeviation ?? 0) > 0 } && rows[0].standardDeviation! > rows[1].standardDeviation!)
    let without = try EstimatorAudit(
      of: posterior, exact: exact, options: auditOptions(sizes: [8], batches: 1), on: device)
    #expect(without.dependence == nil)
    #expect(try JSONDecoder().decode(EstimatorAudit.self, from: JSONEncoder().encode(audit)) == audit)
  }
}
