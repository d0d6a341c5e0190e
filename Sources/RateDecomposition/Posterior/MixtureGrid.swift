import Foundation
import TensorCore

/// The components of a mixture by the octave of their σ: octave k holds those with σ in [2ᵏ, 2ᵏ⁺¹).
struct OctaveComponents {
  struct Octave {
    /// From where to where the components reach on a grid of the octave's spacing, in units of it.
    fileprivate(set) var low = Double.infinity, high = -Double.infinity
    fileprivate(set) var components: [(mean: Double, sigma: Double)] = []

    /// The grid points from `low` to `high`.
    var points: Range<Int> { Int(low.rounded(.down))..<Int(high.rounded(.up)) + 1 }
  }

  let finest: Int
  /// From fine to coarse, some of them empty.
  private(set) var octaves: [Octave]

  /// Sorts components, of which there is at least one.
  init(means: some Sequence<Float>, logVariances: some Collection<Float>) {
    // Octave k has ½·log₂e·log σ² in [k, k + 1).
    let numbers = logVariances.map { Int((0.5 * Double($0) * 1.4426950408889634).rounded(.down)) }
    let (finest, coarsest) = numbers.reduce((Int.max, Int.min)) { (min($0.0, $1), max($0.1, $1)) }
    self.finest = finest
    octaves = [Octave](repeating: Octave(), count: coarsest - finest + 1)
    for ((mean, logVariance), number) in zip(zip(means, logVariances), numbers) {
      let spacing = MixtureGrid.spacing(number), sigma = exp(0.5 * Double(logVariance))
      // With room for the six points of the interpolation and one for rounding.
      let centre = Double(mean) / spacing, width = MarginalDensity.reach * sigma / spacing + 8
      let index = number - finest
      octaves[index].low = min(octaves[index].low, centre - width)
      octaves[index].high = max(octaves[index].high, centre + width)
      octaves[index].components.append((Double(mean), sigma))
    }
  }

  /// Calls `body` with each octave that has components.
  func forEach(_ body: (_ number: Int, _ octave: Octave) -> Void) {
    for (index, octave) in octaves.enumerated() where !octave.components.isEmpty { body(finest + index, octave) }
  }

  /// Σ N(z; μ, σ²) of an octave at some points of its grid, which hold all that its components reach.
  static func sum(_ octave: Octave, number: Int, at points: Range<Int>, _ level: VectorLevel) -> [Double] {
    let spacing = MixtureGrid.spacing(number)
    var density = [Double](repeating: 0, count: points.count)
    density.withUnsafeMutableBufferPointer { density in
      for (mean, sigma) in octave.components {
        let centre = (mean / spacing).rounded()
        addGaussian(
          sigma: sigma, weight: 1, centre: Int(centre) - points.lowerBound, offset: centre * spacing - mean,
          reach: max(1, Int(MarginalDensity.reach * sigma / spacing)), spacing: spacing, level: level, to: density)
      }
    }
    return density
  }
}

/// The grids that a mixture is tabulated on: one for each octave of σ, as far as its own components and all finer ones
/// reach.
struct MixtureGrid {
  struct Level {
    /// The octave.
    let number: Int
    let points: Range<Int>
    var spacing: Double { MixtureGrid.spacing(number) }
  }

  /// From coarse to fine, an octave apart.
  private(set) var levels: [Level] = []

  /// The grids of all components together, of which there is at least one.
  ///
  /// - Returns: nil if one would have too many points, or points that are too far away to be told apart.
  init?(_ parts: [OctaveComponents]) {
    guard let finest = parts.map(\.finest).min(),
      let coarsest = parts.map({ $0.finest + $0.octaves.count - 1 }).max()
    else { return nil }
    var (low, high) = (Double.infinity, -Double.infinity)
    for number in finest...coarsest {
      // In units of this spacing, with room for the interpolation.
      (low, high) = (low / 2 - 8, high / 2 + 8)
      for part in parts where part.octaves.indices.contains(number - part.finest) {
        let own = part.octaves[number - part.finest]
        (low, high) = (min(low, own.low), max(high, own.high))
      }
      guard high - low < Double(MarginalDensity.largestGrid), max(abs(low), abs(high)) < 1e15 else { return nil }
      (low, high) = (low.rounded(.down), high.rounded(.up))
      levels.append(Level(number: number, points: Int(low)..<Int(high) + 1))
    }
    levels.reverse()
  }

  /// The points of all levels.
  var count: Int { levels.reduce(0) { $0 + $1.points.count } }

  /// The distance of the grid points of an octave.
  static func spacing(_ octave: Int) -> Double { exp2(Double(octave)) / MarginalDensity.pointsPerSigma }
}
