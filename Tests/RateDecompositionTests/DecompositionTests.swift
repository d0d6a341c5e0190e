import Diagnostics
import Foundation
import RateDecomposition
import TensorCore
import Testing

/// Checks a linear-Gaussian encoder on several data sets of N points.
///
/// The closed forms hold for infinitely many points. A set of N gives terms that scatter around them; that scatter is
/// measured over eight sets and joins the reported standard error in the bound of three. The finite set's own bias is of
/// the order D²/N, below 1 % of a nat here, and added.
func checkClosedForm(
  _ model: LinearGaussian, mutualInformation: Double, totalCorrelation: Double, dimensionWiseKL: Double, device: Device
) throws {
  let count = 16_384, sets = 8
  let results = try (0..<sets).map { set in
    try RateDecomposition(
      of: model.posterior(count: count, seed: UInt64(100 + set)), options: options(samples: 4_000, seed: UInt64(set)),
      on: device)
  }
  func check(_ name: String, _ values: [Double], _ expected: Double) {
    let estimate = Estimate(meanOf: values)
    let bias = 2 * Double(model.d * model.d) / Double(count)
    let bound = 3 * (estimate.standardError ?? 0) + bias
    #expect(abs(estimate.value - expected) < bound, "\(name): \(estimate.value), exact \(expected), bound \(bound)")
    #expect(bound < 0.05)
  }
  check("MI", results.map(\.mutualInformation.value), mutualInformation)
  check("TC", results.map(\.totalCorrelation.value), totalCorrelation)
  check("dwKL", results.map(\.dimensionWiseKL.value), dimensionWiseKL)
  for result in results {
    #expect(abs(result.identityResidual) < 1e-9)
    #expect(result.monteCarloResidual.withinFourStandardErrors == true)
  }
}

@Suite("Rate decomposition")
struct DecompositionTests {
  let device = Device()

  @Test("a linear-Gaussian encoder meets its closed forms")
  func linearGaussian() throws {
    let model = LinearGaussian.example
    try checkClosedForm(
      model, mutualInformation: model.mutualInformation, totalCorrelation: model.totalCorrelation,
      dimensionWiseKL: model.dimensionWiseKL.reduce(0, +), device: device)
  }

  @Test("The conditional entropy is that of the noise, and options begin with seed 0")
  func conditionalEntropy() throws {
    let model = LinearGaussian.example
    let result = try RateDecomposition(
      of: model.posterior(count: 100, seed: 1), options: options(samples: 10), on: device)
    let expected = model.variances.reduce(0.0) { $0 + 0.5 * (log(2 * Double.pi * $1) + 1) }
    #expect(abs(result.conditionalEntropy - expected) < 1e-5)
    #expect(MarginalLikelihood.Options().seed == 0)
  }

  @Test("With a control variate the mean and its error are those of least squares")
  func control() {
    // Eight times the points (0, 1), (1, 2), (2, 4), (3, 3): slope 4/5, Σ (x − x̄)² = 40, residuals of 14.4 in all with 30
    // degrees of freedom; at x = 1, half below the mean.
    func eightfold(_ values: [Double]) -> [Double] { (0..<32).map { values[$0 % 4] } }
    let estimate = Estimate(meanOf: eightfold([1, 2, 4, 3]), controls: [eightfold([0, 1, 2, 3])], means: [1])
    #expect(abs(estimate.value - 2.1) < 1e-12)
    let expected = (14.4 / 30 * (1.0 / 32 + 0.25 / 40)).squareRoot()
    #expect(abs((estimate.standardError ?? 0) - expected) < 1e-12)
  }

  /// What one of a thousand posteriors may be.
  enum Oddity: CaseIterable { case none, far, wide, offDiagonal }

  /// A thousand posteriors, the first of which is odd: rarely met by a sample, and of great weight in simple averages.
  private func posterior(with oddity: Oddity) throws -> PosteriorTable {
    let plain = try LinearGaussian.example.posterior(count: 1_000, seed: 3)
    var means = plain.means, logVariances = plain.logVariances
    switch oddity {
    case .none: break
    case .far: for k in 0..<plain.latents { means[k] = 1_000 }
    case .wide: for k in 0..<plain.latents { logVariances[k] = 10 }
    case .offDiagonal: for k in 0..<plain.latents { means[k] = k % 2 == 0 ? 30 : -30 }
    }
    return try PosteriorTable(means: means, logVariances: logVariances, latents: plain.latents)
  }

  @Test(
    "reported standard errors are those seen over repeated seeds, also where one data point is far from all others",
    arguments: [500, 2_000], Oddity.allCases)
  func standardErrors(samples: Int, oddity: Oddity) throws {
    let posterior = try posterior(with: oddity)
    let repeats = 60
    let results = try (0..<repeats).map {
      try RateDecomposition(of: posterior, options: options(samples: samples, seed: UInt64($0)), on: device)
    }
    func check(_ name: String, _ estimates: [Estimate]) {
      let values = estimates.map(\.value), mean = values.reduce(0, +) / Double(repeats)
      let seen = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(repeats - 1)
      let reported =
        estimates.reduce(0) { $0 + ($1.standardError ?? .nan) * ($1.standardError ?? .nan) } / Double(repeats)
      // (r − 1)·seen/reported follows χ² with 59 degrees of freedom: 0.999 of it lies between 31.7 and 99.6 (two-sided).
      let ratio = seen / reported
      #expect(ratio > 28.0 / 59 && ratio < 104.0 / 59, "\(name): spread² ÷ reported² = \(ratio)")
    }
    check("joint entropy", results.map(\.jointEntropy))
    check("MI", results.map(\.mutualInformation))
    check("TC", results.map(\.totalCorrelation))
    // The residual is a plain mean; of rare values that are large its spread is not known from one sample.
    if oddity == .none {
      check(
        "residual",
        results.map {
          Estimate(value: $0.monteCarloResidual.value, standardError: $0.monteCarloResidual.standardError)
        })
    }
    #expect(Set(results.map(\.dimensionWiseKL.value)).count == 1, "the dimension-wise KL does not depend on samples")
  }

  @Test("one posterior for all data is a collapsed one: MI = TC = 0", arguments: [1, 5])
  func collapsed(count: Int) throws {
    let posterior = try PosteriorTable(
      means: (0..<count).flatMap { _ in [0.1, -0.2, 0] }, logVariances: (0..<count).flatMap { _ in [-0.1, 0, 0.2] },
      latents: 3)
    let result = try RateDecomposition(of: posterior, options: options(samples: 2_000), on: device)
    // Rounding of single precision only: control variates leave no sampling.
    #expect(abs(result.mutualInformation.value) < 1e-6)
    #expect(abs(result.totalCorrelation.value) < 1e-6)
    #expect(abs(result.dimensionWiseKL.value - result.rate) < 1e-6)
    #expect((result.mutualInformation.standardError ?? 1) < 1e-6)
    #expect(result.activeUnits == 0)
    #expect(result.warnings.contains { $0.contains("collapsed") })
    #expect(result.informationBounds.hold)
    #expect(result.minibatchEstimates.count == (count == 1 ? 1 : 2))
  }

  @Test("a duplicated dimension gives a known total correlation")
  func duplicated() throws {
    // z₁ = z₀'s mean with independent noise of variance s each: two components at ±10 are told apart by either dimension,
    // so TC = log 2, MI = log 2, and the marginals have entropy log 2 + H(N(0, s)).
    let posterior = try PosteriorTable(
      means: [10, 10, -10, -10], logVariances: [Double](repeating: log(0.3), count: 4), latents: 2)
    let result = try RateDecomposition(of: posterior, options: options(samples: 4_000), on: device)
    #expect(abs(result.totalCorrelation.value - log(2)) < 1e-5)
    #expect(abs(result.mutualInformation.value - log(2)) < 1e-5)
    let entropy = log(2) + 0.5 * log(2 * Double.pi * M_E * 0.3)
    for value in result.marginalEntropies { #expect(abs(value - entropy) < 1e-7) }
    #expect(result.activeUnits == 2)
  }

  @Test("the same seed gives the same numbers on any number of threads, another seed others")
  func reproducible() throws {
    let posterior = try LinearGaussian.example.posterior(count: 300, seed: 8)
    let one = try RateDecomposition(of: posterior, options: options(samples: 500, seed: 5), on: Device(threads: 1))
    let two = try RateDecomposition(of: posterior, options: options(samples: 500, seed: 5), on: Device(threads: 2))
    let other = try RateDecomposition(of: posterior, options: options(samples: 500, seed: 6), on: device)
    #expect(one == two)
    #expect(one.mutualInformation != other.mutualInformation)
  }

  @Test("fixed samples: a single one has a value and no standard error")
  func singleSample() throws {
    let posterior = try LinearGaussian.example.posterior(count: 50, seed: 9)
    let fixed = try RateDecomposition.FixedSamples(codes: [0.1, 0.2, 0.3], indices: [7], for: posterior)
    let result = try RateDecomposition(of: posterior, fixed: fixed, on: device)
    #expect(result.mutualInformation.standardError == nil && result.mutualInformation.value.isFinite)
    #expect(result.logDensities?.count == 1 && result.logDensitiesPerDimension?[0].count == 3)
    #expect(try result.json().contains("\"standard_error\" : null"))
  }

  @Test("many latents, few data points", arguments: [1, 2, 64])
  func dimensions(d: Int) throws {
    let posterior = try syntheticPosterior(count: 200, d: d, informative: (d + 1) / 2, seed: 10)
    let result = try RateDecomposition(of: posterior, options: options(samples: 1_000), on: device)
    #expect(abs(result.identityResidual) < 1e-8)
    #expect(result.informationBounds.hold)
    #expect(result.mutualInformation.value <= log(200) + 1e-4)
    if d == 1 { #expect(abs(result.totalCorrelation.value) < 1e-6) }
  }

  @Test("posteriors too narrow to integrate are measured by sampling, and the report says so")
  func spikes() throws {
    let posterior = try PosteriorTable(
      means: (0..<64).map { Double($0) }, logVariances: [Double](repeating: -60, count: 64), latents: 1)
    let result = try RateDecomposition(of: posterior, options: options(samples: 1_000), on: device)
    #expect(result.estimator == .monteCarlo)
    #expect(abs(result.mutualInformation.value - log(64)) < 1e-4)
    #expect(result.warnings.contains { $0.contains("narrow") })
    // All terms are means over samples then, with errors of their own.
    #expect(DecompositionTable(result).summary.rows[3][2].text.hasPrefix("± "))
  }

  @Test("a code that tells every data point apart is remarked on, one that does not is not")
  func ceiling() throws {
    func isRemarkedOn(_ logVariance: Double) throws -> Bool {
      let means = (0..<200).map { Double($0) / 20 }
      let table = try PosteriorTable(means: means, logVariances: means.map { _ in logVariance }, latents: 1)
      let result = try RateDecomposition(of: table, options: options(samples: 1_000), on: device)
      #expect(result.dimensionWiseKL.standardError == 0, "it is integrated")
      return result.warnings.contains { $0.contains("close to its ceiling") }
    }
    #expect(try isRemarkedOn(-10) && !isRemarkedOn(0))
    // The ceiling of one data point is 0, which samples of less than the mean density exceed.
    let alone = try LinearGaussian.example.posterior(count: 1, seed: 1)
    let far = try RateDecomposition.FixedSamples(codes: alone.means.map { $0 + 3 }, indices: nil, for: alone)
    let result = try RateDecomposition(of: alone, fixed: far, on: device)
    #expect(result.mutualInformation.value > 0 && !result.warnings.contains { $0.contains("close to its ceiling") })
  }

  @Test("few samples of its own are remarked on; given samples are as many as they are")
  func fewSamples() throws {
    let posterior = try LinearGaussian.example.posterior(count: 50, seed: 9)
    func few(_ result: RateDecomposition) -> [String] { result.warnings.filter { $0.contains("samples are few") } }
    #expect(
      try few(RateDecomposition(of: posterior, options: options(samples: 999), on: device)) == [
        "999 samples are few: standard errors are rough below 1,000."
      ])
    #expect(try few(RateDecomposition(of: posterior, options: options(samples: 1_000), on: device)).isEmpty)
    let fixed = try RateDecomposition.FixedSamples(codes: [0.1, 0.2, 0.3], indices: [7], for: posterior)
    #expect(try few(RateDecomposition(of: posterior, fixed: fixed, on: device)).isEmpty)
  }

  @Test("impossible settings are refused")
  func refused() throws {
    let posterior = try LinearGaussian.example.posterior(count: 5, seed: 1)
    #expect(throws: StructuredError.self) {
      try RateDecomposition(of: posterior, options: options(samples: 0), on: device)
    }
    let memory = #expect(throws: StructuredError.self) {
      try RateDecomposition(of: posterior, options: options(samples: 1 << 48), on: device)
    }
    #expect(memory?.description.contains("281474976710656 samples of 3 latents") == true)
    #expect(throws: StructuredError.self) {
      try RateDecomposition.FixedSamples(codes: [1, 2], indices: nil, for: posterior)
    }
    #expect(throws: StructuredError.self) {
      try RateDecomposition.FixedSamples(codes: [1, 2, .nan], indices: nil, for: posterior)
    }
    #expect(throws: StructuredError.self) {
      try RateDecomposition.FixedSamples(codes: [1, 2, 3], indices: [5], for: posterior)
    }
    #expect(throws: StructuredError.self) {
      try RateDecomposition.FixedSamples(codes: [1, 2, 3], indices: [1, 2], for: posterior)
    }
  }
}
