import Foundation
import Studies
import TestSupport
import Testing

@Suite("Kernel density")
struct DensityTests {
  @Test("Two values: the mean of two normal densities with the width √½·2^(−1/5)")
  func closedForm() throws {
    let density = try #require(Density(of: [0, 1], at: [0, 0.5, 3, .infinity, -.infinity, .nan]))
    let h = 0.5.squareRoot() * pow(2, -0.2)
    func normal(_ x: Double) -> Double { exp(-x * x / (2 * h * h)) / (h * (2 * Double.pi).squareRoot()) }
    #expect(isClose(density.bandwidth, h) && density.count == 2)
    #expect(isClose(density.values[0], (normal(0) + normal(1)) / 2))
    #expect(isClose(density.values[1], normal(0.5)))
    #expect(isClose(density.values[2], (normal(3) + normal(2)) / 2))
    #expect(density.values[3] == 0 && density.values[4] == 0 && density.values[5].isNaN)
  }

  @Test("On a grid of its own it reaches over the sample and integrates to 1")
  func grid() throws {
    let sample = SyntheticScores.uniform(40, seed: 2) + [.nan, .infinity]
    let density = try #require(Density(of: sample, pointCount: 400, reach: 6))
    #expect(density.points.count == 400 && density.count == 40 && density.missing == 2)
    let step = density.points[1] - density.points[0]
    #expect(isClose(density.points.first, (sample.dropLast(2).min() ?? .nan) - 6 * density.bandwidth))
    #expect(isClose(density.points.last, (sample.dropLast(2).max() ?? .nan) + 6 * density.bandwidth))
    // Beyond six bandwidths there is less than 1e-9.
    #expect(isClose(density.values.reduce(0, +) * step, 1, within: 1e-8))
    #expect(density == Density(of: sample, at: density.points))
    #expect(Density(of: sample, pointCount: 1)?.points.count == 1)
    #expect(Density(of: sample, pointCount: -2)?.values == [])
  }

  @Test("There is none of one value, of equal values, of none, or where no number can hold its width")
  func degenerate() {
    let narrow = [0, Double.leastNonzeroMagnitude]
    for sample in [[], [1], [0.1, 0.1, 0.1], [.nan, .nan], [1, .infinity], [-1.7e308, 1.7e308], narrow] {
      #expect(Density(of: sample, at: [0, 1]) == nil && Density(of: sample, pointCount: 10) == nil, "\(sample)")
    }
  }

  @Test("It is SciPy's gaussian_kde", .enabled(if: SciPy.isInstalled, SciPy.missing))
  func scipy() throws {
    let samples = [
      SyntheticScores.uniform(2, seed: 1), SyntheticScores.uniform(50, seed: 2),
      SyntheticScores.uniform(300, seed: 3, levels: 10).map { 100 * $0 },
    ]
    let points = [-3, -0.1, 0, 0.25, 0.5, 1, 2, 17, 60, 110]
    let program = """
      for row in table[1:]:
        kde = stats.gaussian_kde(row)
        show(np.sqrt(kde.covariance), kde(table[0]))
      """
    let ours = try samples.flatMap { sample in
      let density = try #require(Density(of: sample, at: points))
      return [density.bandwidth] + density.values
    }
    // The largest number is about 30; exp and the sum of 300 terms round differently.
    #expect(relativeDifference(ours, try SciPy.numbers(program, [points] + samples)) < 1e-13)
  }
}
