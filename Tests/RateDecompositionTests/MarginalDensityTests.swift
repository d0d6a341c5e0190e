import Foundation
import RateDecomposition
import TensorCore
import Testing

@Suite("Tabulated marginal densities")
struct MarginalDensityTests {
  struct Mixture {
    var means: [Float], logVariances: [Float]

    func density(_ z: Double) -> Double {
      zip(means, logVariances).reduce(0.0) { sum, component in
        let lv = Double(component.1), distance = z - Double(component.0)
        let exponent = -0.5 * (distance * distance * exp(-lv) + lv + log(2 * Double.pi))
        return sum + exp(exponent)
      } / Double(means.count)
    }

    /// −∫ q log q by brute force: every component's neighbourhood is resolved with 24 points per σ of the narrowest
    /// component near it, on cells between all points μ ± k·σ/2.
    func entropy() -> Double {
      var cuts: [Double] = []
      for (mean, lv) in zip(means, logVariances) {
        let sigma = exp(0.5 * Double(lv))
        for k in -18...18 { cuts.append(Double(mean) + 0.5 * Double(k) * sigma) }
      }
      cuts.sort()
      // Gauss–Legendre with five nodes in each of two halves of every cell.
      let nodes = [0, 0.5384693101056831, -0.5384693101056831, 0.9061798459386640, -0.9061798459386640]
      let weights = [
        0.5688888888888889, 0.4786286704993665, 0.4786286704993665, 0.2369268850561891, 0.2369268850561891,
      ]
      var total = 0.0
      for (a, b) in zip(cuts, cuts.dropFirst()) where b > a {
        for half in 0..<2 {
          let width = (b - a) / 2, middle = a + width * (Double(half) + 0.5)
          for (node, weight) in zip(nodes, weights) {
            let q = density(middle + node * width / 2)
            if q > 0 { total -= weight * width / 2 * q * log(q) }
          }
        }
      }
      return total
    }
  }

  static func random(_ count: Int, logSigma: ClosedRange<Double>, spread: Double, seed: UInt64) -> Mixture {
    var stream = RandomStream(seed: seed)
    let means = (0..<count).map { _ in Float(spread * stream.normalPair().0) }
    let logVariances = (0..<count).map { _ -> Float in
      Float(2 * (logSigma.lowerBound + stream.uniform() * (logSigma.upperBound - logSigma.lowerBound)))
    }
    return Mixture(means: means, logVariances: logVariances)
  }

  @Test(
    "entropies agree with brute force for σ from 1e-4 to 10",
    arguments: [
      (log(1e-4)...log(10.0), 3.0), (log(0.05)...log(1.0), 1.0), (log(0.9)...log(1.1), 0.01),
      (log(1e-3)...log(1e-3), 2.0),
      (log(10)...log(10.0), 50.0),
    ], [1, 2, 7, 40])
  func entropy(shape: (ClosedRange<Double>, Double), count: Int) throws {
    for seed in 0..<3 {
      let mixture = Self.random(count, logSigma: shape.0, spread: shape.1, seed: UInt64(seed))
      let density = try #require(MarginalDensity(means: mixture.means, logVariances: mixture.logVariances))
      // Both integrate the same function in double; 1e-8 nats is what eight points per σ leave in the worst mixtures.
      let expected = mixture.entropy()
      #expect(abs(density.entropy - expected) < 2e-8, "\(density.entropy), brute force \(expected)")
      #expect(density.massError < 1e-11)
      #expect(density.entropyChange < 1e-4)
    }
  }

  @Test("a single Gaussian has entropy ½ log 2πeσ²", arguments: [1e-6, 1e-3, 1, 30, 1e6])
  func single(sigma: Double) throws {
    let lv = Float(2 * log(sigma))
    let density = try #require(MarginalDensity(means: [3], logVariances: [lv]))
    #expect(abs(density.entropy - 0.5 * (log(2 * Double.pi) + 1 + Double(lv))) < 1e-10)
  }

  @Test("interpolated log densities agree with direct sums")
  func logDensity() throws {
    let mixture = Self.random(200, logSigma: log(0.02)...log(1.0), spread: 1, seed: 5)
    let density = try #require(MarginalDensity(means: mixture.means, logVariances: mixture.logVariances))
    var stream = RandomStream(seed: 6)
    for _ in 0..<500 {
      let z = 1.5 * stream.normalPair().0
      let expected = log(mixture.density(z))
      #expect(abs(density.logDensity(at: z) - expected) < 1e-7, "z = \(z)")
    }
    #expect(density.logDensity(at: 1e9).isFinite)
  }

  @Test("mixtures that no grid of millions of points resolves are refused, not mangled")
  func refused() {
    #expect(MarginalDensity(means: [0, 1000], logVariances: [-40, -40]) == nil)
    #expect(MarginalDensity(means: [1e15], logVariances: [-150]) == nil)
    #expect(MarginalDensity(means: [0, 1], logVariances: [150, -10]) != nil)
  }
}
