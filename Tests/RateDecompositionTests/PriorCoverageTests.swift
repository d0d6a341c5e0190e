import Foundation
import TensorCore
import TestSupport
import Testing

@testable import RateDecomposition

@Suite("Prior and aggregate posterior")
struct PriorCoverageTests {
  private let device = Device(threads: 2)

  private func coverage(_ means: [Float], _ logVariances: [Float], latents: Int) throws -> PriorCoverage {
    try PriorCoverage(
      of: PosteriorTable(means: means, logVariances: logVariances, latents: latents), samples: 20_000, seed: 1,
      on: device)
  }

  @Test("one Gaussian has the closed forms of both divergences, and of the share of holes")
  func closedForm() throws {
    // q = N(0, s²): r(z) = −log s + z²/2·(1 − 1/s²), and r < −log 10 outside a known interval.
    let s = 0.25
    let result = try coverage([0], [Float(2 * log(s))], latents: 1)
    let forward = -log(s) + s * s / 2 - 0.5, backward = log(s) + 1 / (2 * s * s) - 0.5
    func check(_ estimate: Estimate, _ value: Double) {
      #expect(abs(estimate.value - value) < 4 * (estimate.standardError ?? .nan), "\(estimate), \(value)")
    }
    check(result.divergence, forward)
    check(result.reverseDivergence, backward)
    let edge = ((log(10) - log(s)) / (0.5 * (1 / (s * s) - 1))).squareRoot()
    check(result.holes, erfc(edge / 2.0.squareRoot()))
    #expect(result.priorRatios == result.priorRatios.sorted() && result.priorRatios.count == 20_000)
    #expect(result.findings[0].contains("hardly any image has"))
  }

  @Test("collapsed posteriors are the prior: no divergence, no holes")
  func collapsed() throws {
    let result = try coverage([Float](repeating: 0, count: 15), [Float](repeating: 0, count: 15), latents: 3)
    #expect(abs(result.divergence.value) < 1e-5 && abs(result.reverseDivergence.value) < 1e-5)
    #expect(result.holes.value == 0 && result.findings[0].contains("such as images have"))
  }

  @Test("the divergence is total correlation and dimension-wise KL, and E_p[q/p] is 1")
  func decomposition() throws {
    var stream = RandomStream(seed: 3)
    let means = (0..<400).map { _ in Float(0.8 * stream.normalPair().0) }
    let table = try PosteriorTable(means: means, logVariances: [Float](repeating: -1, count: 400), latents: 2)
    var options = RateDecomposition.Options()
    (options.samples, options.seed) = (20_000, 2)
    let exact = try RateDecomposition(of: table, options: options, on: device)
    let result = PriorCoverage(of: table, samples: 20_000, seed: 1, on: device)
    let expected = exact.totalCorrelation.value + exact.dimensionWiseKL.value
    let error = hypot(exact.totalCorrelation.standardError ?? .nan, result.divergence.standardError ?? .nan)
    #expect(abs(result.divergence.value - expected) < 4 * error)
    let ratio = Estimate(meanOf: result.priorRatios.map { exp($0) })
    #expect(abs(ratio.value - 1) < 4 * (ratio.standardError ?? .nan))
    #expect(result.reverseDivergence.value > 0)
  }
}
