import Autodiff
import Foundation
import NeuralLayers
import Objectives
import TensorCore
import TestSupport
import Testing

/// β-TCVAE with the posteriors of all images.
@Suite("β-TCVAE with a cached encoding")
struct CachedEncodingTests {
  private let device = Device(threads: 1)
  private static let count = 300, latents = 3
  /// The images of the batch; one of them twice.
  private static let rows = [7, 250, 64, 7, 63]

  private func normal(_ count: Int, _ seed: UInt64, scale: Float = 1, shift: Float = 0) -> [Float] {
    var values = [Float](repeating: 0, count: count), stream = RandomStream(seed: seed)
    values.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
    return values.map { scale * $0 + shift }
  }

  /// log q(z) and Σ_d log q(z_d) over posteriors, in double precision.
  private func reference(_ z: [Float], _ means: [Float], _ logVariances: [Float]) -> (joint: Double, marginals: Double)
  {
    let d = Self.latents, n = means.count / d
    func density(_ columns: Range<Int>) -> Double {
      let sum = (0..<n).reduce(0.0) { sum, row in
        sum
          + exp(
            columns.reduce(0.0) { log, k in
              let v = Double(logVariances[row * d + k]), distance = Double(z[k]) - Double(means[row * d + k])
              return log - 0.5 * (Foundation.log(2 * Double.pi) + v + distance * distance * exp(-v))
            })
      }
      return Foundation.log(sum / Double(n))
    }
    return (density(0..<d), (0..<d).reduce(0.0) { $0 + density($1..<$1 + 1) })
  }

  @Test(
    "The densities are those of all images, with the batch's own posteriors in place of the old ones",
    arguments: [1, 3])
  func densities(threads: Int) throws {
    let d = Self.latents, device = Device(threads: threads)
    var means = normal(Self.count * d, 1), logVariances = normal(Self.count * d, 2, scale: 0.5, shift: -1)
    let mixture = CachedMixture(means: means, logVariances: logVariances, dimensions: d, on: device)
    // The batch's posteriors have moved since; an image that is there twice has one posterior.
    var newMeans = normal(5 * d, 3), newLogVariances = normal(5 * d, 4, scale: 0.5, shift: -1)
    for k in 0..<d {
      newMeans[3 * d + k] = newMeans[k]
      newLogVariances[3 * d + k] = newLogVariances[k]
    }
    for (position, row) in Self.rows.enumerated() {
      for k in 0..<d {
        means[row * d + k] = newMeans[position * d + k]
        logVariances[row * d + k] = newLogVariances[position * d + k]
      }
    }
    let noise = normal(5 * d, 5)
    let pass = Pass(training: [ParameterStore(on: device)], on: device)
    let shape: Shape = [5, d]
    let m = pass.tape.track(Tensor(newMeans, shape, on: device))
    let v = pass.tape.track(Tensor(newLogVariances, shape, on: device))
    let posterior = DiagonalGaussian(mean: m, logVariance: v)
    let codes = posterior.sample(noise: Tensor(noise, shape, on: device))
    func step() -> TrainingStep {
      fixedStep(
        images: codes.value, posterior: posterior, codes: codes,
        cached: CachedPosteriors(mixture: mixture, indices: Self.rows), step: 0, dataCount: Self.count,
        stream: RandomStream(seed: 0), pass: pass, distortionsOf: { $0.sum(axis: 1, keepingAxis: false) * 0 },
        output: { codes })
    }
    let q = BetaTCVAE.cachedDensities(step()), z = codes.value.elements
    let expected = (0..<5).map { reference(Array(z[$0 * d..<($0 + 1) * d]), means, logVariances) }
    #expect(relativeDifference(q.joint.value.elements.map(Double.init), expected.map(\.joint)) < 1e-5)
    #expect(relativeDifference(q.marginals.value.elements.map(Double.init), expected.map(\.marginals)) < 1e-5)
    // A second time gives the same: what was left out is back.
    #expect(BetaTCVAE.cachedDensities(step()).joint.value.elements == q.joint.value.elements)

    // TC and the gradient of the whole loss against differences in double precision.
    let objective = try ObjectiveSection.objective(
      "{name: beta-tcvae, estimator: cached, alpha: 2, beta: 5, gamma: 3}", latents: d, on: device)
    #expect(objective.batch.encodingInterval == 1_000)
    let loss = try objective.loss(of: step())
    let tc = expected.reduce(0.0) { $0 + $1.joint - $1.marginals } / 5
    #expect(abs(Double(try #require(loss["total_correlation_cached"]).value.scalar) - tc) < 1e-5)
    let gradients = try pass.tape.backward(from: loss.total)
    func total(_ mean: [Double], _ logVariance: [Double]) -> Double {
      var all = (means.map(Double.init), logVariances.map(Double.init))
      // The posterior of an image that is there twice moves with both of its rows, each with half of the weight.
      let z = (0..<5 * d).map { mean[$0] + exp(0.5 * logVariance[$0]) * Double(noise[$0]) }
      for (position, row) in Self.rows.enumerated() where position != 3 && position != 0 {
        for k in 0..<d {
          all.0[row * d + k] = mean[position * d + k]
          all.1[row * d + k] = logVariance[position * d + k]
        }
      }
      func log(_ z: Double, _ m: Double, _ v: Double) -> Double {
        -0.5 * (Foundation.log(2 * Double.pi) + v + (z - m) * (z - m) * exp(-v))
      }
      return (0..<5).reduce(0.0) { sum, i in
        func density(_ columns: Range<Int>) -> Double {
          func component(_ m: (Int) -> Double, _ v: (Int) -> Double) -> Double {
            exp(columns.reduce(0.0) { $0 + log(z[i * d + $1], m($1), v($1)) })
          }
          var value = (0..<Self.count).reduce(0.0) { sum, n in
            n == Self.rows[0] ? sum : sum + component({ all.0[n * d + $0] }, { all.1[n * d + $0] })
          }
          for row in [0, 3] { value += 0.5 * component({ mean[row * d + $0] }, { logVariance[row * d + $0] }) }
          return Foundation.log(value / Double(Self.count))
        }
        let own = (0..<d).reduce(0.0) { $0 + log(z[i * d + $1], mean[i * d + $1], logVariance[i * d + $1]) }
        let prior = (0..<d).reduce(0.0) { $0 + log(z[i * d + $1], 0, 0) }
        let joint = density(0..<d), marginals = (0..<d).reduce(0.0) { $0 + density($1..<$1 + 1) }
        return sum + (2 * (own - joint) + 5 * (joint - marginals) + 3 * (marginals - prior)) / 5
      }
    }
    let start = (newMeans.map(Double.init), newLogVariances.map(Double.init))
    #expect(relativeDifference(Double(loss.total.scalar), total(start.0, start.1)) < 1e-5)
    let h = 1e-4
    for index in 0..<5 * d {
      func moved(_ step: Double, _ inMean: Bool) -> Double {
        var (a, b) = start
        if inMean { a[index] += step } else { b[index] += step }
        return total(a, b)
      }
      let expected = [true, false].map { (moved(h, $0) - moved(-h, $0)) / (2 * h) }
      let found = [Double(gradients[m].elements[index]), Double(gradients[v].elements[index])]
      for (a, b) in zip(found, expected) { #expect(abs(a - b) <= 1e-4 * max(1, abs(b)), "\(index): \(a), not \(b)") }
    }
  }

  @Test("Far from all components but the batch's, the batch's count")
  func far() {
    let mixture = CachedMixture(means: [0, 0, 1, 1], logVariances: [0, 0, 0, 0], dimensions: 2, on: device)
    let sums = mixture.logSums(at: [1e9, 0, 0.5, 0.5], excluding: [0, 1], on: device)
    #expect(sums.values.allSatisfy { $0 <= -1e29 })
    #expect((sums.jointGradients + sums.marginalGradients).allSatisfy { abs($0) < 1e-20 })
    let some = mixture.logSums(at: [0.5, 0.25], excluding: [0], on: device)
    let marginal = [0.5, 0.75].map { -0.5 * (log(2 * Double.pi) + $0 * $0) }
    #expect(relativeDifference(some.values.map(Double.init), marginal + [marginal[0] + marginal[1]]) < 1e-6)
    #expect(relativeDifference(some.jointGradients.map(Double.init), [0.5, 0.75]) < 1e-6)
    #expect(relativeDifference(some.marginalGradients.map(Double.init), [0.5, 0.75]) < 1e-6)
  }
}
