import Diagnostics
import Foundation
import RateDecomposition
import TensorCore
import TestSupport
import Testing

/// Deterministic codes, whose information is counted.
@Suite("Deterministic codes")
struct CodeCountsTests {
  private let device = Device(threads: 2)

  private func table(_ codes: [[Float]], size: Int) throws -> PosteriorTable {
    let means = codes.flatMap { $0 }
    return try PosteriorTable(
      means: means, logVariances: [Float](repeating: PosteriorTable.pointLogVariance, count: means.count),
      latents: codes[0].count, codebookSize: size)
  }

  private func decomposition(_ codes: [[Float]], size: Int) throws -> RateDecomposition {
    try RateDecomposition(of: table(codes, size: size), on: device)
  }

  @Test("A code of two independent latents, a duplicated latent and a useless one")
  func closedForm() throws {
    // z₀ and z₁ independent with 2 and 4 equally frequent values, z₂ = z₀, z₃ the same for all.
    let codes = (0..<80).map { n -> [Float] in
      let first = Float(n % 2), second = Float(n / 2 % 4)
      return [first, second / 10, first * 0.3, 0.5]
    }
    let result = try decomposition(codes, size: 5)
    let (two, four, five) = (log(2.0), log(4.0), log(5.0))
    #expect(result.estimator == .counting && result.samples == 0 && result.minibatchEstimates.isEmpty)
    #expect(relativeDifference(result.rate, 4 * five) < 1e-12)
    #expect(relativeDifference(result.mutualInformation.value, two + four) < 1e-12)
    #expect(result.mutualInformation.standardError == 0 && result.totalCorrelation.standardError == 0)
    #expect(relativeDifference(result.totalCorrelation.value, two) < 1e-12)
    #expect(relativeDifference(result.marginalEntropies, [two, four, two, 0]) < 1e-12)
    #expect(
      relativeDifference(result.dimensionWiseKL.perDimension, [five - two, five - four, five - two, five]) < 1e-12)
    #expect(abs(result.identityResidual) < 1e-12 && result.conditionalEntropy == 0)
    // Latents whose values differ by a tenth have a variance of 0.0125 and less, and are active all the same.
    #expect(result.activeUnits == 3 && result.informationBounds.hold)
    let findings = CollapseFindings(result)
    #expect(findings.collapsed == [3] && findings.idle.isEmpty)
    #expect(
      findings.sentences[0] == "3 of 4 latents are active (H(z_d) ≥ 0.01); latent 3 has collapsed to one value.")
    let text = DecompositionTable(result).text()
    for part in [
      "rate  D·log V", "prior uniform over the values", "active units  H(z_d) ≥ 0.01", "by counting.",
      "The codes are deterministic and discrete",
    ] { #expect(text.contains(part), "\(part) is missing in \(text)") }
    #expect(!text.contains("samples against closed form") && !text.contains("±  "))

    let posterior = IntegratedPosterior(try table(codes, size: 5), on: device)
    let information = LatentInformation(of: posterior), latents: [LatentInformation.Latent] = information.latents
    #expect(information.byKL.map(\.latent) == [1, 0, 2, 3] && information.samples == 0)
    let nats: [Double] = latents.map { $0.mutualInformation.value }
    #expect(relativeDifference(nats, [two, four, two, 0]) < 1e-12)
    #expect(latents.allSatisfy { $0.mutualInformation.standardError == 0 && $0.marginalKL.standardError == 0 })
    #expect(latents.map { $0.isActive } == [true, true, true, false])
  }

  @Test("Counting agrees with the densities that the noise of the table gives")
  func densities() throws {
    var stream = RandomStream(seed: 3)
    // Correlated latents of four values.
    let codes = (0..<2_000).map { _ -> [Float] in
      let a = stream.integer(below: 4), b = stream.integer(below: 3) == 0 ? a : stream.integer(below: 4)
      return [Float(a) / 3 - 0.5, Float(b) / 3 - 0.5, Float(stream.integer(below: 2))]
    }
    let counted = try decomposition(codes, size: 4), means = codes.flatMap { $0 }
    let gaussian = try RateDecomposition(
      of: PosteriorTable(
        means: means, logVariances: [Float](repeating: PosteriorTable.pointLogVariance, count: means.count), latents: 3),
      on: device)
    let errors = 4 * (gaussian.mutualInformation.standardError ?? .nan) + 1e-6
    #expect(abs(counted.mutualInformation.value - gaussian.mutualInformation.value) < errors)
    #expect(abs(counted.totalCorrelation.value - gaussian.totalCorrelation.value) < errors)
    // By enumeration.
    let joint = Dictionary(codes.map { ("\($0)", 1) }, uniquingKeysWith: +).values
    let entropy = joint.reduce(0.0) { $0 - Double($1) / 2000 * log(Double($1) / 2000) }
    #expect(relativeDifference(counted.mutualInformation.value, entropy) < 1e-12)
    let pairs = try PairwiseInformation(of: IntegratedPosterior(table(codes, size: 4), on: device))
    #expect(pairs.pairs[0].mutualInformation.value > 0.05)
    #expect(abs(pairs.pairs[1].mutualInformation.value) < 0.02)
  }

  @Test("A collapsed code, and one that tells all images apart")
  func extremes() throws {
    let useless = try decomposition([[Float]](repeating: [0.5, 0.5], count: 10), size: 2)
    #expect(useless.mutualInformation.value == 0 && useless.activeUnits == 0)
    #expect(useless.warnings.contains { $0.contains("no latent's mean varies with the data (H(z_d) < 0.01)") })
    let perfect = try decomposition((0..<16).map { [Float($0 % 4), Float($0 / 4)] }, size: 4)
    #expect(relativeDifference(perfect.mutualInformation.value, log(16.0)) < 1e-12)
    #expect(abs(perfect.totalCorrelation.value) < 1e-12 && abs(perfect.dimensionWiseKL.value) < 1e-12)
  }

  @Test("More values than the codebook has are refused, and so is a codebook of one")
  func errors() throws {
    for (codes, size, what) in [
      ([[Float(0)], [1], [2]], 2, "a latent takes 3 different values, and the codebook has 2"),
      ([[Float(0)], [0]], 1, "a latent takes 1 different values, and the codebook has 1"),
    ] {
      let error = #expect(throws: StructuredError.self) { try table(codes, size: size) }
      #expect(error?.what == what)
    }
  }

  @Test("JSON of counted codes reads back")
  func json() throws {
    let result = try decomposition([[0, 1], [1, 0], [1, 1]], size: 2)
    let read = try JSONDecoder().decode(RateDecomposition.self, from: Data(result.json().utf8))
    #expect(read == result)
    #expect(try result.json().contains("\"estimator\" : \"counting\""))
  }
}
