import Foundation
import RateDecomposition
import TensorCore
import Testing

@Suite("Collapsed, factorised and entangled codes")
struct CollapseFindingsTests {
  let device = Device(threads: 2)

  /// A posterior of 216 images, on a grid of three factors of six values each.
  private func findings(logVariance: Double, _ mean: ([Double]) -> [Double]) throws -> CollapseFindings {
    let digits: [[Int]] = (0..<216).map { n in [n / 36, n / 6 % 6, n % 6] }
    let means = digits.flatMap { row in mean(row.map { digit in (Double(digit) - 2.5) / 1.7 }) }
    let logVariances = [Double](repeating: logVariance, count: means.count)
    let posterior = IntegratedPosterior(
      try PosteriorTable(means: means, logVariances: logVariances, latents: means.count / 216), on: device)
    let labels = (0..<3).map { k in
      FactorLabels(name: "factor \(k)", values: digits.map { row in Int32(row[k]) })
    }
    return CollapseFindings(
      try RateDecomposition(of: posterior, options: options(samples: 2_000)),
      factors: try FactorInformation(of: posterior, factors: labels))
  }

  @Test("a collapsed posterior")
  func collapsed() throws {
    let result = try findings(logVariance: 0) { v in [0.01 * v[0], 0, 0.001 * v[1]] }
    #expect(result.isWholePosteriorCollapsed && result.dependence == .collapsed && result.activeUnits == 0)
    #expect(result.collapsed == [0, 1, 2] && result.idle.isEmpty)
    #expect(result.redundancy == nil && result.alignment == nil)
    #expect(result.sentences.count == 1 && result.sentences[0].contains("whole posterior has collapsed"))
  }

  @Test("a factorised code with a collapsed and an idle latent")
  func factorised() throws {
    let result = try findings(logVariance: -3) { v in [v[0], 0, v[1], v[2], 0] }
    #expect(!result.isWholePosteriorCollapsed && result.activeUnits == 3 && result.dependence == .factorised)
    // At variance e^−3 a constant mean pays (e^−3 + 3 − 1)/2 = 1.02 nats.
    #expect(result.idle == [1, 4] && result.collapsed.isEmpty)
    #expect(abs(result.redundancy?.value ?? 1) < 0.01)
    #expect((result.alignment ?? 0) > 0.99)
    let text = result.sentences.joined(separator: " ")
    #expect(text.contains("3 of 5 latents are active"))
    #expect(text.contains("Latents 1, 4 are inactive, yet their KL is above 0.1 nats"))
    #expect(
      text.contains("The latents are factorised") && text.contains("each active latent encodes mainly one factor"))
  }

  @Test("a fully entangled code: every latent tells the same mixture of all factors")
  func entangled() throws {
    let result = try findings(logVariance: -5) { v in
      [Double](repeating: 0.6 * (v[0] + v[1] + v[2]), count: 5)
    }
    #expect(result.dependence == .entangled && result.activeUnits == 5)
    #expect((result.redundancy?.value ?? 0) > 0.7 && (result.redundancy?.value ?? 1) < 0.8)
    #expect((result.redundancy?.standardError ?? 0) > 0)
    #expect(abs((result.alignment ?? 0) - 1.0 / 3) < 0.01)
    let text = result.sentences.joined(separator: " ")
    #expect(text.contains("5 of 5 latents are active (Var(μ) ≥ 0.01): no latent has collapsed."))
    #expect(text.contains("The latents are entangled") && text.contains("active latents mix factors"))
  }

  @Test("a rotated code is nearly independent by the numbers, and mixes factors")
  func rotated() throws {
    let result = try findings(logVariance: -3) { v in
      let r = 0.5.squareRoot()
      return [r * (v[0] + v[1]), r * (v[0] - v[1])]
    }
    #expect(result.dependence != .entangled && result.dependence != .collapsed)
    #expect(abs((result.alignment ?? 0) - 0.5) < 0.01)
    #expect(result.sentences.joined().contains("active latents mix factors"))
  }

  @Test("a single active latent; a partly collapsed code; the JSON reads back")
  func single() throws {
    let result = try findings(logVariance: 0) { v in [0, 2 * v[0], 0] }
    #expect(result.dependence == .single && result.collapsed == [0, 2])
    let text = result.sentences.joined(separator: " ")
    #expect(text.contains("1 of 3 latents are active (Var(μ) ≥ 0.01); latents 0, 2 have collapsed to the prior."))
    #expect(text.contains("A single latent is active"))
    #expect(try JSONDecoder().decode(CollapseFindings.self, from: JSONEncoder().encode(result)) == result)
  }

  @Test("a run in the rate–distortion plane: D, R, ELBO, the information in its band")
  func rateDistortion() throws {
    let posterior = try LinearGaussian.example.posterior(count: 500, seed: 2)
    let images = ImageTerms(
      distortion: 5, standardError: 0.25, likelihood: "bernoulli", likelihoodIsDiscrete: true, dataEntropy: 6)
    let decomposition = try RateDecomposition(of: posterior, images: images, options: options(samples: 500), on: device)
    func point(_ decomposition: RateDecomposition) -> RateDistortionPoint {
      RateDistortionPoint(
        label: "a", objective: "beta-vae", settings: [.init(name: "beta", value: 4)], seed: 1,
        decomposition: decomposition)
    }
    let result = point(decomposition)
    #expect(result.rate == decomposition.rate && result.distortion == Estimate(value: 5, standardError: 0.25))
    #expect(result.elbo == Estimate(value: -5 - decomposition.rate, standardError: 0.25))
    #expect(result.lowerBound == 1 && result.dataEntropy == 6 && result.isWithinBounds && !result.isCollapsed)
    #expect(try JSONDecoder().decode(RateDistortionPoint.self, from: JSONEncoder().encode(result)) == result)
    let without = point(try RateDecomposition(of: posterior, options: options(samples: 500), on: device))
    #expect(without.distortion == nil && without.elbo == nil && without.lowerBound == nil)
    #expect(without.lowerBoundReason?.contains("no images") == true)
    let flat = try syntheticPosterior(count: 50, d: 2, informative: 0, seed: 1)
    #expect(point(try RateDecomposition(of: flat, options: options(samples: 50), on: device)).isCollapsed)
  }
}
