import Foundation
import RateDecomposition
import TensorCore
import Testing

@Suite("What latents say about factors")
struct FactorInformationTests {
  let device = Device(threads: 2)

  /// A grid of two factors of 4 and 5 values, three images of each.
  private let labels = [
    FactorLabels(name: "shape", values: (0..<60).map { Int32($0 / 15) }, isCategorical: true),
    FactorLabels(name: "size", values: (0..<60).map { Int32($0 / 3 % 5) }),
    FactorLabels(name: "colour", values: [Int32](repeating: 7, count: 60)),
  ]

  private func posterior(_ mean: (_ shape: Double, _ size: Double, _ image: Int) -> [Double], logVariance: Double)
    throws -> PosteriorTable
  {
    let means = (0..<60).flatMap { mean(Double($0 / 15), Double($0 / 3 % 5), $0) }
    return try PosteriorTable(
      means: means, logVariances: [Double](repeating: logVariance, count: means.count), latents: means.count / 60)
  }

  private func measure(_ posterior: PosteriorTable, samples: Int = 2_000) throws -> FactorInformation {
    try FactorInformation(of: IntegratedPosterior(posterior, on: device), factors: labels, samples: samples, seed: 3)
  }

  @Test("one factor for each latent: all of its entropy, and a gap of 1")
  func aligned() throws {
    let result = try measure(posterior({ a, b, _ in [20 * a, 20 * b, 0] }, logVariance: 0))
    let values = result.factors.map { $0.mutualInformation.map(\.value) }
    let expected = [[log(4.0), 0, 0], [0, log(5.0), 0], [0, 0, 0]]
    for (row, other) in zip(values, expected) {
      for (a, b) in zip(row, other) { #expect(abs(a - b) < 1e-7, "\(a), exact \(b)") }
    }
    #expect(result.factors.map(\.values) == [4, 5, 1])
    #expect(abs(result.factors[1].entropy - log(5)) < 1e-12)
    for factor in result.factors.prefix(2) { #expect(abs((factor.gap?.value ?? 0) - 1) < 1e-7) }
    #expect(result.factors[2].gap == nil)
    #expect(result.factors[1].bestLatent == 1)
    #expect(abs((result.gap ?? 0) - 1) < 1e-7 && abs((result.gapWithoutCategorical ?? 0) - 1) < 1e-7)
    #expect(result.samples == 0 && result.factors[0].mutualInformation[0].standardError == 0)
  }

  @Test("all latents tell the same of every factor: no gap")
  func entangled() throws {
    let result = try measure(posterior({ a, b, _ in [20 * (5 * a + b), 20 * (5 * a + b)] }, logVariance: 0))
    #expect(abs(result.factors[0].mutualInformation[1].value - log(4)) < 1e-7)
    #expect(abs(result.factors[1].mutualInformation[0].value - log(5)) < 1e-7)
    #expect(abs(result.gap ?? 1) < 1e-7)
  }

  @Test("a factor that numbers the images says all that a latent tells: I(n; z_d) = I(x; z_d)")
  func index() throws {
    let posterior = try syntheticPosterior(count: 300, d: 3, informative: 2, seed: 9)
    let integrated = IntegratedPosterior(posterior, on: device)
    let result = try FactorInformation(
      of: integrated, factors: [FactorLabels(name: "image", values: (0..<300).map { Int32($0) })])
    let latents = LatentInformation(of: integrated).latents
    for (a, b) in zip(result.factors[0].mutualInformation, latents.map(\.mutualInformation)) {
      #expect(abs(a.value - b.value) < 1e-7)
    }
    #expect(result.gapWithoutCategorical == nil)
  }

  @Test("two overlapping Gaussians: the integral of their densities")
  func overlapping() throws {
    let table = try PosteriorTable(means: [0.8, -0.8], logVariances: [0, 0], latents: 1)
    let result = try FactorInformation(
      of: IntegratedPosterior(table, on: device), factors: [FactorLabels(name: "side", values: [0, 1])])
    // ½Σ_± ∫ N(z; ±0.8, 1) log [N(z; ±0.8, 1)/q(z)] dz by the trapezoidal rule, step 0.001.
    var expected = 0.0
    for i in -12_000...12_000 {
      let z = Double(i) * 1e-3
      func density(_ m: Double) -> Double { exp(-0.5 * (z - m) * (z - m)) / (2 * Double.pi).squareRoot() }
      let a = density(0.8), b = density(-0.8), q = 0.5 * (a + b)
      expected += 1e-3 * 0.5 * (a * log(a / q) + b * log(b / q))
    }
    #expect(abs(result.factors[0].mutualInformation[0].value - expected) < 1e-8)
    #expect(abs((result.factors[0].gap?.value ?? 0) - expected / log(2)) < 1e-8)
  }

  @Test("agrees with means over samples, as the paper's authors take them")
  func sampled() throws {
    let table = try posterior({ a, b, n in [0.3 * a + 0.1 * Double(n % 3), 0.5 * b - 0.2 * a] }, logVariance: -2)
    let result = try measure(table)
    let aggregate = AggregatePosterior(table, on: device)
    let (codes, indices) = aggregate.samples(4_000, from: RandomStream(seed: 12))
    let log = aggregate.logDensities(of: codes, marginals: true).marginals
    for (f, label) in labels.enumerated() {
      for d in 0..<2 {
        let values = indices.indices.map { s -> Double in
          let group = label.values.indices.filter { label.values[$0] == label.values[indices[s]] }
          let densities = group.map { n -> Double in
            let t = Double(codes[2 * s + d]) - Double(table.means[2 * n + d])
            return exp(-0.5 * t * t * exp(2)) * exp(1) / (2 * Double.pi).squareRoot()
          }
          return Foundation.log(densities.reduce(0, +) / Double(group.count)) - log[2 * s + d]
        }
        let mean = Estimate(meanOf: values)
        let exact = result.factors[f].mutualInformation[d].value
        #expect(abs(mean.value - exact) < 4 * (mean.standardError ?? 0) + 1e-6, "\(mean), exact \(exact)")
      }
    }
  }

  @Test("posteriors too narrow to integrate are measured by sampling")
  func spikes() throws {
    let result = try measure(posterior({ a, b, n in [a, Double(n)] }, logVariance: -60), samples: 1_000)
    #expect(result.samples == 1_000)
    let shape = result.factors[0].mutualInformation
    for estimate in shape {
      #expect(abs(estimate.value - log(4)) < 4 * (estimate.standardError ?? 0) + 1e-4)
    }
    #expect(abs(result.factors[0].gap?.value ?? 1) < 0.1 && result.factors[0].gap?.standardError != nil)
  }

  @Test("factors that are measured together are as each by itself, on narrow, wide and mixed posteriors")
  func together() throws {
    // 120 combinations of values, 600 data points each, in no order.
    var stream = RandomStream(seed: 4)
    let order = stream.permutation(of: 72_000)
    let labels = [4, 5, 6].enumerated().map { number, size in
      FactorLabels(name: "\(number)", values: order.map { Int32($0 / [1, 4, 20][number] % size) })
    }
    var means: [Double] = [], logVariances: [Double] = []
    for n in order.indices {
      let v = labels.map { Double($0.values[n]) }, (noise, other) = stream.normalPair(), width = stream.uniform()
      means += [v[0] + 0.2 * noise, 0.5 * v[1] + v[2] + noise, 0, v[2] + 0.1 * other, v[0] + other, 0.1 * v[1]]
      // Several octaves; two of them far from each other; nearly equal ones; tables that are too large; spikes.
      logVariances += [-8 * width, width < 0.5 ? -9 : 2 * v[0], -1e-4 * width, -9 + other, -18 + width, -45]
    }
    let table = try PosteriorTable(means: means, logVariances: logVariances, latents: 6)
    let posterior = IntegratedPosterior(table, on: device)
    var done: [Int] = []
    let all = try FactorInformation(of: posterior, factors: labels, samples: 10, seed: 3) { done.append($0) }
    #expect(done == [3], "one bundle")
    for (label, factor) in zip(labels, all.factors) {
      let alone = try FactorInformation(of: posterior, factors: [label], samples: 10, seed: 3).factors[0]
      for (a, b) in zip(factor.mutualInformation, alone.mutualInformation) {
        #expect(abs(a.value - b.value) < 1e-12 && a.standardError == b.standardError, "\(a), alone \(b)")
      }
    }
    #expect(all.samples == 10 && all.factors[0].mutualInformation.dropLast().allSatisfy { $0.standardError == 0 })
  }

  @Test("labels that do not fit are refused, and the message says how")
  func refused() throws {
    let posterior = IntegratedPosterior(try syntheticPosterior(count: 3, d: 1, informative: 1, seed: 1), on: device)
    func message(_ values: [Int32]) -> String {
      do {
        _ = try FactorInformation(of: posterior, factors: [FactorLabels(name: "size", values: values)])
        return "nothing"
      } catch { return "\(error)" }
    }
    #expect(message([0, 1]).contains("the factor \"size\" has 2 values for 3 data points"))
    #expect(message([0, 1, -1]).contains("of data point 2 is -1"))
  }
}
