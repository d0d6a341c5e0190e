import Diagnostics
import Foundation
import TensorCore
import TestSupport
import Testing

@testable import RateDecomposition

@Suite("Bounds of log p(x)")
struct LikelihoodBoundsTests {
  private func sampler(
    _ decoder: GoldenDecoder, distributions: Int, chains: Int, seed: UInt64
  ) throws -> AnnealedImportanceSampling {
    AnnealedImportanceSampling(
      Array(0..<decoder.count), along: AnnealingPath(from: nil, widths: try decoder.posterior()),
      options: .init(chains: chains, distributions: distributions, leapfrogSteps: 2), stream: RandomStream(seed: seed),
      decoder.likelihood())
  }

  @Test(
    "with few distributions estimates are lower bounds on average, and reverse chains upper bounds",
    arguments: GoldenDecoder.Kind.allCases)
  func bounds(kind: GoldenDecoder.Kind) throws {
    let decoder = try GoldenDecoder(kind), truth = Estimate(meanOf: try decoder.array("log_px")).value
    var lower: [Double] = [], upper: [Double] = [], bracketed = 0
    for seed in 0..<100 {
      let sampler = try sampler(decoder, distributions: 4, chains: 2, seed: UInt64(seed)), steps = try sampler.tuned()
      let there = try sampler.run(steps).logWeights.map { LogWeights($0[...]).logMean }
      let back = try sampler.reverse(from: decoder.codes(), steps).logWeights.map {
        -LogWeights($0.map { -$0 }[...]).logMean
      }
      lower.append(Estimate(meanOf: there).value)
      upper.append(Estimate(meanOf: back).value)
      if lower[seed] <= truth && truth <= upper[seed] { bracketed += 1 }
    }
    #expect(bracketed >= 95, "\(bracketed) of 100")
    let (low, high) = (Estimate(meanOf: lower), Estimate(meanOf: upper))
    #expect(low.value < truth - 4 * (low.standardError ?? .nan), "\(low), \(truth)")
    #expect(high.value > truth + 4 * (high.standardError ?? .nan), "\(high), \(truth)")
  }

  @Test("frozen steps estimate p(x) without bias; steps that adapt inside the measured run do not")
  func trap() throws {
    // On the left, a higher likelihood with ripples where large steps are rejected; on the right, none of both. Steps that adapt become
    // small on the left, where the chain then stays too long.
    let count = 4_000
    func value(_ z: Double) -> (Double, Double) {
      let side = 1 / (1 + exp(5 * z)), ripples = 3 + 2 * cos(40 * z)
      return (side * ripples, -5 * side * (1 - side) * ripples - 80 * side * sin(40 * z))
    }
    let likelihood = CodeLikelihood(latents: 1, images: count) { codes, _ in
      let values = codes.map(value)
      return (values.map(\.0), values.map(\.1))
    }
    let exact = (-80_000...80_000).reduce(0) { sum, i in
      let z = Double(i) * 1e-4
      return sum + 1e-4 * exp(value(z).0 - z * z / 2) / (2 * Double.pi).squareRoot()
    }
    let flat = [Float](repeating: 0, count: count)
    let widths = try PosteriorTable(means: flat, logVariances: flat, latents: 1)
    var options = AnnealedImportanceSampling.Options(chains: 1, distributions: 60, leapfrogSteps: 1)
    (options.tuningChains, options.adaptationRate) = (1, 2)
    let sampler = AnnealedImportanceSampling(
      Array(0..<count), along: AnnealingPath(from: nil, widths: widths), options: options,
      stream: RandomStream(seed: 1), likelihood)
    func mean(_ tuning: AnnealedImportanceSampling.Tuning) throws -> Estimate {
      Estimate(meanOf: try sampler.run(tuning).logWeights.map { exp($0[0]) / exact })
    }
    let frozen = try mean(sampler.tuned()), adapting = try mean(sampler.untuned())
    #expect(abs(frozen.value - 1) < 4 * (frozen.standardError ?? .nan), "\(frozen)")
    #expect(adapting.value - 1 > 4 * (adapting.standardError ?? .nan), "\(adapting)")
  }

  @Test("the best Gaussian is the reference's, and its ELBO within 1e-3 nats", arguments: GoldenDecoder.Kind.allCases)
  func bestGaussian(kind: GoldenDecoder.Kind) throws {
    let decoder = try GoldenDecoder(kind)
    var options = BestGaussian.Options()
    (options.samples, options.steps) = (256, 600)
    let best = try BestGaussian(
      from: decoder.posterior(), indices: Array(0..<decoder.count), options: options, stream: RandomStream(seed: 1),
      decoder.likelihood()
    ).posterior
    let variances =
      kind == .linear ? try decoder.array("optimal_var").map { log($0) } : try decoder.array("optimal_logvar")
    let logVariances = kind == .linear ? (0..<8).flatMap { _ in variances.prefix(5) } : variances
    // The noise of 50,000 pairs of codes; the ELBO is flat at its optimum.
    #expect(absoluteDifference(best.means.map(Double.init), try decoder.array("optimal_mean")) < 3e-3)
    #expect(absoluteDifference(best.logVariances.map(Double.init), logVariances) < 0.025)
    guard kind == .linear else { return }
    // How far below the optimum: KL(q ‖ p(z|x)) less that of q*, with the posterior's precisions 1/v*.
    let exact = try decoder.array("optimal_var")
    for i in 0..<decoder.count {
      let loss = (0..<5).reduce(0.0) { sum, d in
        let ratio = exp(Double(best.logVariances[i * 5 + d])) / exact[i * 5 + d]
        return sum + 0.5 * (ratio - 1 - log(ratio))
      }
      #expect(loss < 1e-3)
    }
  }

  @Test("the gap and its two parts are the reference's", arguments: GoldenDecoder.Kind.allCases)
  func gaps(kind: GoldenDecoder.Kind) throws {
    let decoder = try GoldenDecoder(kind)
    var options = LikelihoodBounds.Options()
    (options.codes, options.chains, options.distributions) = (40_000, 1_000, kind == .linear ? 160 : 40)
    (options.isBidirectional, options.start, options.leapfrogSteps) = (true, .posterior, 4)
    var shares: [Double] = []
    let subject = try decoder.subject()
    let result = try LikelihoodBounds(of: subject, simulated: subject, options: options) { shares.append($0) }
    let exact = try (
      decoder.array("log_px"), decoder.array("elbo"), decoder.array("optimal_elbo"),
      decoder.array("approximation_gap"), decoder.array("amortisation_gap")
    )
    let approximation = kind == .linear ? [Double](repeating: exact.3[0], count: decoder.count) : exact.3
    for (i, image) in result.images.enumerated() {
      func check(_ estimate: Estimate, _ truth: Double, _ name: String) {
        let error = estimate.standardError ?? .nan
        #expect(abs(estimate.value - truth) < 4.5 * error + 1e-3, "\(name) of \(i): \(estimate), \(truth)")
      }
      check(image.annealed.logLikelihood, exact.0[i], "log p")
      check(image.elbo, exact.1[i], "ELBO")
      check(image.bestELBO, exact.2[i], "best ELBO")
      check(image.approximationGap, approximation[i], "approximation gap")
      check(image.amortisationGap, exact.4[i], "amortisation gap")
    }
    func mean(_ values: [Double]) -> Double { Estimate(meanOf: values).value }
    let gap = result.approximationGap.value + result.amortisationGap.value
    #expect(
      abs(result.approximationGap.value - mean(approximation))
        < 0.01 * mean(approximation) + 2 * (result.approximationGap.samplingError ?? .nan)
        && (result.approximationGap.samplingError ?? .nan) < 5e-3, "\(result.approximationGap)")
    #expect(abs(result.amortisationGap.value - mean(exact.4)) < (kind == .linear ? 0.01 * mean(exact.4) : 5e-3))
    #expect(abs(gap - mean(approximation) - mean(exact.4)) < (kind == .linear ? 0.01 * gap : 0.02))
    let bracket = try #require(result.bracket?.curve.last)
    #expect(abs(bracket.lower.value - mean(exact.0)) < 0.02 && abs(bracket.upper.value - mean(exact.0)) < 0.1)
    #expect(result.curve.map(\.distributions) == (kind == .linear ? [1, 10, 40, 160] : [1, 10, 40]))
    #expect(shares == shares.sorted() && shares.last == 1)
    let copy = try JSONDecoder().decode(LikelihoodBounds.self, from: JSONEncoder().encode(result))
    #expect(copy == result)
  }

  @Test("every point of a decoder's curve is the reference's", arguments: GoldenDecoder.Kind.allCases)
  func curve(kind: GoldenDecoder.Kind) throws {
    let decoder = try GoldenDecoder(kind), betas = try decoder.array("rd/beta")
    var options = DecoderCurve.Options()
    (options.chains, options.distributions, options.last) = (kind == .linear ? 10_000 : 500, 100, betas.max() ?? 1)
    options.leapfrogSteps = 3
    let result = try DecoderCurve(of: decoder.subject(), options: options, betas: betas)
    let rates = try decoder.array("rd/rate"), distortions = try decoder.array("rd/distortion")
    var checked = 0
    for (b, beta) in betas.enumerated() where beta > 0 {
      let point = try #require(result.points.first { $0.beta == beta })
      checked += 1
      for (name, mean, exact) in [("rate", point.rate, rates[b]), ("distortion", point.distortion, distortions[b])] {
        let error = mean.samplingError ?? .nan
        #expect(
          abs(mean.value - exact) < 0.01 * max(exact, 1) + (kind == .linear ? 0 : 2 * error) && error < 0.3,
          "\(name) at \(beta): \(mean), \(exact)")
      }
    }
    #expect(checked == betas.count { $0 > 0 })
    for (a, b) in zip(result.points, result.points.dropFirst()) {
      let slack = 3 * hypot(a.rate.samplingError ?? .nan, b.rate.samplingError ?? .nan)
      #expect(a.rate.value < b.rate.value + slack && a.distortion.value > b.distortion.value - slack / b.beta)
    }
  }

  private func measured(
    latents: Int, images: [Int], options: LikelihoodBounds.Options = .init(),
    _ value: @escaping ([Double]) -> (Double, [Double])
  ) throws -> LikelihoodBounds {
    let posterior = try PosteriorTable(
      means: [Float](repeating: 0, count: images.count * latents),
      logVariances: [Float](repeating: 0, count: images.count * latents), latents: latents)
    var options = options
    options.isBidirectional = true
    var stream = RandomStream(seed: 1)
    let subject = LikelihoodBounds.Subject(
      posterior: posterior, indices: images,
      exactCodes: (0..<images.count * latents).map { _ in stream.normalPair().0 }
    ) { rows in
      CodeLikelihood(latents: latents, images: rows.count) { codes, rows in
        let results = rows.indices.map { value(Array(codes[$0 * latents..<($0 + 1) * latents])) }
        return (results.map(\.0), results.flatMap(\.1))
      }
    }
    return try LikelihoodBounds(of: subject, simulated: subject, pixels: 10, options: options)
  }

  @Test(
    "collapsed decoders, one latent, 64 latents, the same image several times: everything is finite",
    arguments: [1, 64])
  func degenerate(latents: Int) throws {
    let result = try measured(latents: latents, images: [3, 3, 7]) { z in (-12, z.map { _ in 0 }) }
    #expect(result.images.allSatisfy { abs($0.annealed.logLikelihood.value + 12) < 1e-9 })
    #expect(abs(result.approximationGap.value) < 1e-2 && abs(result.amortisationGap.value) < 1e-2)
    #expect(abs((result.bitsPerPixel ?? 0) - 1.2 / log(2)) < 1e-9)
    #expect(result.images[0].annealed == result.images[1].annealed)
    #expect(result.bracket?.curve.allSatisfy { abs($0.gap.value) < 1e-9 } == true)
    #expect(result.findings.contains { $0.contains("as good as exact") }, "\(result.findings)")
    #expect(result.warnings.isEmpty, "\(result.warnings)")
  }

  @Test("a log-likelihood that is not finite where annealing begins is refused, elsewhere a step is rejected")
  func notFinite() throws {
    #expect {
      try measured(latents: 2, images: [0]) { z in (.nan, z) }
    } throws: { "\($0)".contains("are not finite at codes where annealing begins") }
    let result = try measured(latents: 1, images: [0, 1]) { z in
      abs(z[0]) < 6 ? (-z[0] * z[0], [-2 * z[0]]) : (.nan, [.nan])
    }
    // ∫ N(z; 0, 1)·exp(−z²) dz = 1/√3; the tails beyond 6 have no weight.
    #expect(abs(result.annealed.value + 0.5 * log(3)) < 0.1)
  }

  @Test("the same seed gives the same bits, however images are grouped; another seed others")
  func reproducible() throws {
    let decoder = try GoldenDecoder(.bernoulli)
    var options = LikelihoodBounds.Options()
    options.distributions = 8
    func measure(_ rows: [Int]) throws -> LikelihoodBounds {
      let all = try decoder.subject()
      return try LikelihoodBounds(
        of: .init(posterior: all.posterior.rows(rows), indices: rows) { range in
          CodeLikelihood(latents: 2, images: range.count) { codes, images in
            let result = try decoder.likelihood()(codes, images.map { rows[range.lowerBound + $0] })
            return result
          }
        }, options: options)
    }
    let whole = try measure([0, 1, 2, 3, 4, 5])
    #expect(try measure([0, 1, 2, 3, 4, 5]) == whole)
    #expect(try measure([4, 1]).images == [whole.images[4], whole.images[1]])
    options.seed = 1
    #expect(try measure([0, 1, 2, 3, 4, 5]).images != whole.images)
  }
}
