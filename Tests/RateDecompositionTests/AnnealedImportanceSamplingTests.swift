import Foundation
import TensorCore
import TestSupport
import Testing

@testable import RateDecomposition

@Suite("Annealed importance sampling")
struct AnnealedImportanceSamplingTests {
  /// A decoder that ignores its codes.
  private static func flat() -> CodeLikelihood {
    CodeLikelihood(latents: 1, images: 1) { codes, rows in
      (rows.map { _ in 0 }, codes.map { _ in 0 })
    }
  }

  private func chains(
    _ decoder: GoldenDecoder, perImage: Int, seed: UInt64, _ likelihood: CodeLikelihood
  ) throws -> (HamiltonianChains, AnnealingPath, [RandomStream]) {
    let path = AnnealingPath(from: try decoder.posterior(), widths: try decoder.posterior())
    let images = (0..<decoder.count).flatMap { [Int](repeating: $0, count: perImage) }
    var streams = images.indices.map { RandomStream(seed: seed).split("chain", $0) }
    var codes = [Double](repeating: 0, count: images.count * decoder.latents)
    for c in images.indices { path.draw(image: images[c], &streams[c], into: &codes, at: c * decoder.latents) }
    return (try HamiltonianChains(at: codes, images: images, streams: streams, likelihood), path, streams)
  }

  @Test(
    "leapfrog steps run backwards where momenta are turned round, to rounding", arguments: GoldenDecoder.Kind.allCases)
  func reversible(kind: GoldenDecoder.Kind) throws {
    let decoder = try GoldenDecoder(kind), likelihood = decoder.likelihood()
    let (state, path, _) = try chains(decoder, perImage: 2, seed: 1, likelihood)
    var stream = RandomStream(seed: 2)
    let momenta = state.codes.map { _ in stream.normalPair().0 }
    let start = try likelihood(state.codes, state.images)
    let before = HamiltonianChains.Phase(
      codes: state.codes, momenta: momenta, values: start.values, gradients: start.gradients)
    let steps = state.images.map { 0.2 + 0.05 * Double($0) }
    for beta in [0.1, 0.7, 1] {
      var there = try state.trajectory(
        from: before, path.coefficients(at: state.images.map { _ in beta }), steps: steps, count: 20, likelihood)
      #expect(absoluteDifference(there.codes, before.codes) > 0.1)
      there.momenta = there.momenta.map { -$0 }
      let back = try state.trajectory(
        from: there, path.coefficients(at: state.images.map { _ in beta }), steps: steps, count: 20, likelihood)
      #expect(absoluteDifference(back.codes, before.codes) < 1e-10)
      #expect(absoluteDifference(back.momenta.map { -$0 }, momenta) < 1e-10)
    }
  }

  @Test("leapfrog steps preserve volume: the Jacobian's determinant is 1")
  func volume() throws {
    let decoder = try GoldenDecoder(.bernoulli), likelihood = decoder.likelihood()
    let path = AnnealingPath(from: try decoder.posterior(), widths: try decoder.posterior())
    let code = [0.4, -0.3], momenta = [0.7, -1.1], h = 1e-5
    let state = try HamiltonianChains(at: code, images: [2], streams: [RandomStream(seed: 0)], likelihood)
    func map(_ x: [Double]) throws -> [Double] {
      let start = try likelihood(Array(x[0..<2]), [2])
      let phase = HamiltonianChains.Phase(
        codes: Array(x[0..<2]), momenta: Array(x[2..<4]), values: start.values, gradients: start.gradients)
      let end = try state.trajectory(
        from: phase, path.coefficients(at: [Double](repeating: 0.6, count: decoder.count)), steps: [0.4], count: 5,
        likelihood)
      return end.codes + end.momenta
    }
    var jacobian: [[Double]] = []
    for i in 0..<4 {
      var (up, down) = (code + momenta, code + momenta)
      up[i] += h
      down[i] -= h
      jacobian.append(try zip(map(up), map(down)).map { ($0 - $1) / (2 * h) })
    }
    // Central differences are good to h²: 1e-10, times the map's third derivatives.
    #expect(abs(determinant(jacobian) - 1) < 1e-6)
  }

  private func determinant(_ matrix: [[Double]]) -> Double {
    if matrix.count == 1 { return matrix[0][0] }
    return matrix[0].indices.reduce(0) { sum, column in
      let minor = matrix.dropFirst().map { row in row.indices.filter { $0 != column }.map { row[$0] } }
      return sum + (column % 2 == 0 ? 1 : -1) * matrix[0][column] * determinant(minor)
    }
  }

  @Test("the acceptance on a normal density is the closed form (4/π)·atan(λ^-½)")
  func acceptance() throws {
    // Leapfrog on N(0, 1) is linear; with λ the larger eigenvalue of MᵀM, ΔH < 0 has the probability (2/π)·atan(λ^-½), and as the
    // map preserves volume and is reversible, acceptance is twice that. The step size is uniform on [0.8, 1.2] times the given.
    let likelihood = Self.flat()
    let table = try PosteriorTable(means: [Float(0)], logVariances: [Float(0)], latents: 1)
    let path = AnnealingPath(from: nil, widths: table), chains = 20_000
    for (size, count) in [(1.2, 1), (0.9, 3), (1.5, 2)] {
      func closed(_ e: Double) -> Double {
        var m = [1.0, 0, 0, 1]
        for _ in 0..<count {
          let step = [1 - e * e / 2, e, -e * (1 - e * e / 4), 1 - e * e / 2]
          m = [
            step[0] * m[0] + step[1] * m[2], step[0] * m[1] + step[1] * m[3],
            step[2] * m[0] + step[3] * m[2], step[2] * m[1] + step[3] * m[3],
          ]
        }
        let trace = m.reduce(0) { $0 + $1 * $1 }
        let lambda = (trace + (trace * trace - 4).squareRoot()) / 2
        return 4 / .pi * atan(1 / lambda.squareRoot())
      }
      let expected = (0..<2_000).reduce(0) { $0 + closed(size * (0.8 + 0.4 * (Double($1) + 0.5) / 2_000)) } / 2_000
      var stream = RandomStream(seed: 3)
      var codes = [Double](repeating: 0, count: chains)
      codes.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
      var state = try HamiltonianChains(
        at: codes, images: [Int](repeating: 0, count: chains),
        streams: (0..<chains).map { stream.split("chain", $0) }, likelihood)
      let accepted = Estimate(
        meanOf: try state.move(along: path, at: [1], stepSizes: [size], leapfrogSteps: count, likelihood))
      let error = try #require(accepted.standardError)
      #expect(
        error < 0.003 && abs(accepted.value - expected) < 4 * error, "\(size), \(count): \(accepted), \(expected)")
      // And the density is left as it is.
      #expect(abs(Estimate(meanOf: state.codes.map { $0 * $0 }).value - 1) < 4 * (2.0 / Double(chains)).squareRoot())
    }
  }

  private func estimate(
    _ decoder: GoldenDecoder, from start: AnnealingStart, distributions: Int, chains: Int, seed: UInt64
  ) throws -> AnnealedImportanceSampling.Result {
    let posterior = try decoder.posterior()
    let sampler = AnnealedImportanceSampling(
      Array(0..<decoder.count),
      along: AnnealingPath(from: start == .prior ? nil : posterior, widths: posterior),
      options: .init(chains: chains, distributions: distributions, leapfrogSteps: 3),
      stream: RandomStream(seed: seed), decoder.likelihood())
    return try sampler.run(sampler.tuned())
  }

  @Test(
    "log p(x) is within three standard errors of the truth; from q(z|x) to 0.01 nats of the closed form, 0.02 of quadrature",
    arguments: GoldenDecoder.Kind.allCases, [AnnealingStart.posterior, .prior])
  func golden(kind: GoldenDecoder.Kind, start: AnnealingStart) throws {
    let decoder = try GoldenDecoder(kind), exact = try decoder.array("log_px")
    // The long way from the prior is measured with fewer chains, and held to its own errors alone.
    let isLinear = kind == .linear, isShort = start == .posterior
    let result = try estimate(
      decoder, from: start, distributions: isLinear ? 300 : 150,
      chains: (isLinear ? 3_000 : 1_000) / (isShort ? 1 : 3), seed: 2)
    for (weights, truth) in zip(result.logWeights, exact) {
      let value = LogWeights(weights[...]), error = try #require(value.standardError)
      let tolerance = isShort ? (isLinear ? 0.01 : 0.02) : 0.1
      #expect(
        abs(value.logMean - truth) < min(3 * error, tolerance), "\(value.logMean), \(truth), \(error)")
    }
    for value in result.acceptance { #expect(value > 0.45 && value < 0.9, "\(value)") }
  }

  @Test("every intermediate normaliser is the reference's", arguments: GoldenDecoder.Kind.allCases)
  func normalisers(kind: GoldenDecoder.Kind) throws {
    let decoder = try GoldenDecoder(kind), betas = try decoder.array("ais/beta")
    let exact = try decoder.array("ais/log_z_q_path")
    // Ten steps between two values of the reference.
    var schedule: [Double] = []
    for (low, high) in zip(betas, betas.dropFirst()) {
      for step in 0..<10 { schedule.append(low + (high - low) * Double(step) / 10) }
    }
    schedule.append(1)
    var checked = 0
    let posterior = try decoder.posterior()
    let sampler = AnnealedImportanceSampling(
      Array(0..<decoder.count), along: AnnealingPath(from: posterior, widths: posterior),
      options: .init(chains: 500, distributions: schedule.count - 1, leapfrogSteps: 3),
      stream: RandomStream(seed: 4), decoder.likelihood())
    _ = try sampler.run(sampler.tuned(schedule)) { visit in
      let t = visit.t
      guard t % 10 == 0 else { return }
      for i in 0..<decoder.count {
        let value = LogWeights(visit.logWeights[i * 500..<(i + 1) * 500])
        checked += 1
        #expect(abs(value.logMean - exact[t / 10 * decoder.count + i]) < 4 * (value.standardError ?? .nan) + 1e-9)
      }
    }
    #expect(checked == 9 * decoder.count)
  }
}
