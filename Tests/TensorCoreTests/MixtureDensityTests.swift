import Foundation
import TensorCore
import TestSupport
import Testing

@Suite("Gaussian mixture log densities")
struct MixtureDensityTests {
  struct Mixture {
    var means: [Float], logVariances: [Float], d: Int
    var count: Int { means.count / d }

    init(count: Int, d: Int, seed: UInt64, spread: Double = 2) {
      var stream = RandomStream(seed: seed)
      self.d = d
      means = (0..<count * d).map { _ in Float(spread * stream.normalPair().0) }
      logVariances = (0..<count * d).map { _ in Float(-2 + stream.normalPair().0) }
    }

    /// Some columns of another mixture.
    init(_ other: Mixture, columns: [Int]) {
      d = columns.count
      means = (0..<other.count).flatMap { n in columns.map { other.means[n * other.d + $0] } }
      logVariances = (0..<other.count).flatMap { n in columns.map { other.logVariances[n * other.d + $0] } }
    }

    /// log q in double, over some columns.
    func reference(_ z: ArraySlice<Float>, columns: Range<Int>) -> Double {
      let values = (0..<count).map { n in
        columns.reduce(0.0) { sum, k in
          let lv = Double(logVariances[n * d + k]), distance = Double(z[z.startIndex + k]) - Double(means[n * d + k])
          return sum - 0.5 * (distance * distance * exp(-lv) + lv + log(2 * Double.pi))
        }
      }
      let top = values.max() ?? 0
      return top + log(values.reduce(0) { $0 + exp($1 - top) }) - log(Double(count))
    }

    func points(_ count: Int, seed: UInt64, scale: Double = 2) -> [Float] {
      var stream = RandomStream(seed: seed)
      return (0..<count * d).map { _ in Float(scale * stream.normalPair().0) }
    }
  }

  static func check(_ mixture: Mixture, at points: [Float], device: Device, relative: Double = 1e-6) {
    let density = MixtureDensity(
      means: mixture.means, logVariances: mixture.logVariances, dimensions: mixture.d, on: device)
    let both = density.logDensities(at: points, marginals: true, on: device)
    let alone = density.logDensities(at: points, marginals: false, on: device)
    #expect(alone.marginals.isEmpty && both.joint.count == points.count / mixture.d)
    for s in 0..<points.count / mixture.d {
      let z = points[s * mixture.d..<(s + 1) * mixture.d]
      // Single precision at each term, the rest in double: a few units of 6e-8, relative to the magnitude of the result
      // and at least to D (the terms that cancel are of that size).
      let joint = mixture.reference(z, columns: 0..<mixture.d)
      let tolerance = relative * max(abs(joint), 4 * Double(mixture.d))
      #expect(abs(both.joint[s] - joint) <= tolerance, "joint \(both.joint[s]), reference \(joint)")
      #expect(abs(alone.joint[s] - joint) <= tolerance, "joint alone \(alone.joint[s]), reference \(joint)")
      for k in 0..<mixture.d {
        let expected = mixture.reference(z, columns: k..<k + 1), value = both.marginals[s * mixture.d + k]
        #expect(abs(value - expected) <= relative * max(abs(expected), 4), "[\(s), \(k)] \(value), \(expected)")
      }
    }
  }

  @Test(
    "agree with double precision at every level, for whole and partial tiles and chunks",
    arguments: VectorLevel.allCases.filter { $0 <= .best }, [1, 2, 63, 64, 65, 257, 2047, 2048, 5000])
  func levels(level: VectorLevel, count: Int) {
    let mixture = Mixture(count: count, d: 3, seed: 1)
    for samples in [1, 3, 9] {
      Self.check(mixture, at: mixture.points(samples, seed: 2), device: Device(threads: 2, level: level))
    }
  }

  @Test(
    "agree with double precision where most components are too far to count, at points near some, between, and far from all",
    arguments: VectorLevel.allCases.filter { $0 <= .best })
  func distant(level: VectorLevel) {
    // As of a trained encoder: narrow, and those of neighbouring images together.
    var mixture = Mixture(count: 7_000, d: 4, seed: 11)
    var stream = RandomStream(seed: 12)
    for i in mixture.means.indices {
      mixture.means[i] = Float(Double(i / 4) / 300 * Double(i % 4 + 1) + 0.1 * stream.normalPair().0)
      mixture.logVariances[i] -= 3
    }
    let near = [0, 63, 64, 3_500, 6_999].flatMap { mixture.means[$0 * 4..<$0 * 4 + 4] }
    let between: [Float] = [3, 9, 20, 1, 12, 12, 12, 12, -30, 0, 40, 200, 1e4, -1e4, 0, 0]
    Self.check(mixture, at: near + between, device: Device(threads: 2, level: level))
  }

  @Test("agree with double precision in 1, 2, 10 and 64 dimensions", arguments: [1, 2, 10, 64])
  func dimensions(d: Int) {
    let mixture = Mixture(count: 700, d: d, seed: 3)
    Self.check(mixture, at: mixture.points(6, seed: 4), device: Device(threads: 2))
  }

  @Test("do not depend on the number of threads")
  func threads() {
    let mixture = Mixture(count: 3000, d: 4, seed: 5), points = mixture.points(37, seed: 6)
    let results = [1, 2, 3].map { threads in
      let device = Device(threads: threads)
      return MixtureDensity(means: mixture.means, logVariances: mixture.logVariances, dimensions: 4, on: device)
        .logDensities(at: points, marginals: true, on: device)
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  @Test("stay finite and accurate far from all components", arguments: VectorLevel.allCases.filter { $0 <= .best })
  func far(level: VectorLevel) {
    let mixture = Mixture(count: 500, d: 2, seed: 7)
    for scale in [1e2, 1e4, 1e8] {
      Self.check(mixture, at: mixture.points(5, seed: 8, scale: scale), device: Device(threads: 1, level: level))
    }
  }

  @Test("stay finite and accurate for extreme variances", arguments: VectorLevel.allCases.filter { $0 <= .best })
  func extremes(level: VectorLevel) {
    for lv in [-150, -60, -20, 20, 60, 150] as [Float] {
      var mixture = Mixture(count: 400, d: 2, seed: 9)
      mixture.logVariances = mixture.logVariances.enumerated().map { $0 % 3 == 0 ? lv : $1 }
      // Points at a component's mean, exactly at the narrowest peak, and between components.
      let points = Array(mixture.means[0..<8]) + mixture.points(4, seed: 10)
      Self.check(mixture, at: points, device: Device(threads: 1, level: level))
      mixture.logVariances = mixture.logVariances.map { _ in lv }
      Self.check(mixture, at: points, device: Device(threads: 1, level: level))
    }
  }

  @Test("follow a maximum that rises by hundreds of bits from chunk to chunk")
  func rising() {
    var mixture = Mixture(count: 9000, d: 2, seed: 11)
    mixture.means = mixture.means.enumerated().map { i, _ in 300 - Float(i / 2) / 30 }
    Self.check(mixture, at: [0, 0, 0.5, -0.25, 150, 150], device: Device(threads: 1))
    mixture.means.reverse()
    Self.check(mixture, at: [0, 0, 0.5, -0.25, 150, 150], device: Device(threads: 1))
  }

  @Test(
    "densities of pairs agree with double precision at every level, for whole and partial tiles and blocks",
    arguments: VectorLevel.allCases.filter { $0 <= .best }, [(2, 300), (3, 64), (4, 2_500), (5, 255), (9, 2_048)])
  func pairs(level: VectorLevel, sizes: (d: Int, count: Int)) {
    let mixture = Mixture(count: sizes.count, d: sizes.d, seed: 31, spread: 1)
    Self.checkPairs(mixture, at: mixture.points(70, seed: 32, scale: 1), device: Device(threads: 2, level: level))
  }

  @Test("pairs of narrow components, whose products of densities are mostly denormal")
  func narrowPairs() {
    var mixture = Mixture(count: 3_000, d: 4, seed: 35, spread: 1)
    mixture.logVariances = mixture.logVariances.map { $0 - 5 }
    Self.checkPairs(mixture, at: mixture.points(40, seed: 36, scale: 1), device: Device(threads: 2))
  }

  private static func checkPairs(_ mixture: Mixture, at points: [Float], device: Device) {
    let d = mixture.d
    let density = MixtureDensity(
      means: mixture.means, logVariances: mixture.logVariances, dimensions: d, on: device)
    // References may be off by some nats.
    let references = density.logDensities(at: points, marginals: true, on: device).marginals.enumerated().map {
      $0.element + ($0.offset % 3 == 0 ? 2 : -1)
    }
    let result = density.logPairDensities(at: points, references: references, on: device)
    var differences: [Double] = []
    for s in 0..<points.count / d {
      for i in 0..<d {
        for j in i + 1..<max(d, i + 1) {
          let two = Mixture(mixture, columns: [i, j])
          let position = differences.count
          let expected = two.reference([points[s * d + i], points[s * d + j]][...], columns: 0..<2)
          differences.append((result[position] - expected) / max(abs(expected), 4))
        }
      }
    }
    #expect(differences.count == result.count)
    // Single precision at each factor and product, sums of 128 of them before double takes over.
    #expect(worst(differences) < 2e-6)
  }

  @Test("pairs far from all components are computed in double precision")
  func farPairs() {
    let mixture = Mixture(count: 100, d: 2, seed: 33)
    let density = MixtureDensity(
      means: mixture.means, logVariances: mixture.logVariances, dimensions: 2, on: Device(threads: 1))
    let points: [Float] = [40, -50]
    let value = density.logPairDensities(at: points, references: [-3, -3], on: Device(threads: 1))[0]
    let expected = mixture.reference(points[...], columns: 0..<2)
    #expect(abs(value / expected - 1) < 1e-6, "\(value), reference \(expected)")
  }

  @Test("a single dimension has no pairs")
  func noPairs() {
    let mixture = Mixture(count: 10, d: 1, seed: 34), device = Device(threads: 1)
    let density = MixtureDensity(means: mixture.means, logVariances: mixture.logVariances, dimensions: 1, on: device)
    #expect(density.logPairDensities(at: [0, 1], references: [0, 0], on: device).isEmpty)
  }
}
