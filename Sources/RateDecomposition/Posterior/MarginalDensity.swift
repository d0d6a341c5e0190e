import Foundation
import TensorCore

/// The density of a one-dimensional Gaussian mixture with equal weights, tabulated so finely that its entropy can be
/// integrated: q(z) = 1/N Σₙ N(z; μₙ, σₙ²), an aggregate posterior in a single dimension.
///
/// Components are sorted into levels by the octave of their σ. Level k holds those with σ in [2ᵏ, 2ᵏ⁺¹) and has a grid
/// of spacing hₖ = 2ᵏ/8, so that a grid is never finer than its components need. On its grid a level knows qₖ, the sum
/// of its own components and of all coarser levels (interpolated by a polynomial of degree 11 through twelve points).
/// With F(q) = −q log q the entropy telescopes,
///
///     H = ∫F(q) dz = Σₖ ∫ [F(qₖ) − F(qₖ₊₁)] dz,
///
/// and each bracket is smooth on the scale of its grid and vanishes at both ends, where the trapezoidal rule converges
/// exponentially in σ/h (Trefethen & Weideman 2014, "The exponentially convergent trapezoidal rule").
public struct MarginalDensity: Sendable {
  /// H(z_d) = −∫ q log q dz, in nats.
  public let entropy: Double
  /// How much the entropy changes when every second grid point is left out, in nats: far more than its error.
  public let entropyChange: Double
  /// By how much ∫ q dz differs from 1.
  public let massError: Double

  /// Grid points per 2ᵏ, the least σ of level k.
  static let pointsPerSigma = 8.0
  /// A component counts within this many σ of its mean; the rest of its mass is 6e-14.
  static let reach = 7.5
  /// Grid points that a level may have; a mixture that needs more is too spiky to tabulate.
  static let largestGrid = 1 << 23

  /// One level: qₖ at the points (first + i)·spacing.
  struct Level: Sendable {
    var spacing: Double
    var first: Int
    var density: [Double]
  }

  /// From coarse to fine.
  private let levels: [Level]

  /// Tabulates a mixture.
  ///
  /// - Parameters:
  ///   - means: μ, `[N]`, N ≥ 1.
  ///   - logVariances: log σ², `[N]`.
  ///   - instructions: the instruction level.
  /// - Returns: nil when the narrowest components are so narrow, compared with the distances between them, that the grid
  ///   would have more than eight million points.
  public init?(means: [Float], logVariances: [Float], instructions: VectorLevel = .best) {
    precondition(!means.isEmpty && means.count == logVariances.count, "means and log-variances must be [N], N ≥ 1")
    let components = OctaveComponents(means: means, logVariances: logVariances)
    guard let grid = MixtureGrid([components]) else { return nil }
    self.init(grid, count: means.count) { level in
      let octave = components.octaves[level.number - components.finest]
      return octave.components.isEmpty
        ? nil : OctaveComponents.sum(octave, number: level.number, at: level.points, instructions)
    }
  }

  /// Integrates a density from the sums of its levels.
  ///
  /// - Parameters:
  ///   - grid: its grids.
  ///   - count: N.
  ///   - own: Σ N(z; μ, σ²) of the components of a level, at its points; nil if it has none.
  init(_ grid: MixtureGrid, count: Int, own: (MixtureGrid.Level) -> [Double]?) {
    let weight = 1 / Double(count)
    var levels: [Level] = []
    var entropy = 0.0, entropyHalf = 0.0, mass = 0.0
    for level in grid.levels {
      var density =
        levels.last.map { Self.refined($0, to: level.points) } ?? [Double](repeating: 0, count: level.points.count)
      if let own = own(level) {
        var sums = [0.0, 0.0], sumMass = 0.0
        for i in density.indices {
          let before = density[i]
          density[i] += weight * own[i]
          sums[i & 1] += Self.entropyDensity(density[i]) - Self.entropyDensity(before)
          sumMass += density[i] - before
        }
        entropy += level.spacing * (sums[0] + sums[1])
        entropyHalf += 2 * level.spacing * sums[0]
        mass += level.spacing * sumMass
      }
      levels.append(Level(spacing: level.spacing, first: level.points.lowerBound, density: density))
    }
    self.levels = levels
    self.entropy = entropy
    entropyChange = abs(entropy - entropyHalf)
    massError = abs(mass - 1)
  }

  /// log q(z), interpolated: meant for control variates, since far from all components it is only a lower cut-off.
  public func logDensity(at z: Double) -> Double {
    for level in levels.reversed() {
      let position = z / level.spacing, cell = position.rounded(.down)
      let index = Int(max(-1e15, min(1e15, cell))) - level.first
      guard index >= 5, index + 6 < level.density.count else { continue }
      var value = 0.0
      let weights = Self.lagrange(position - cell)
      for k in 0..<12 { value += weights[k] * level.density[index - 5 + k] }
      return log(max(value, 1e-300))
    }
    return log(1e-300)
  }

  private static func entropyDensity(_ q: Double) -> Double { q > 0 ? -q * log(q) : 0 }

  /// A level's density on the grid of half its spacing; zero outside.
  private static func refined(_ level: Level, to points: Range<Int>) -> [Double] {
    // Weights of the twelve-point polynomial half-way between points.
    let half = lagrange(0.5)
    return points.map { point in
      let cell = (point >> 1) - level.first
      if point & 1 == 0 { return level.density.indices.contains(cell) ? level.density[cell] : 0 }
      var value = 0.0
      for (k, i) in (cell - 5...cell + 6).enumerated() where level.density.indices.contains(i) {
        value += half[k] * level.density[i]
      }
      return max(value, 0)
    }
  }

  /// The weights of the polynomial through the points −5 … 6, evaluated at t in [0, 1).
  static func lagrange(_ t: Double) -> [Double] {
    (0..<12).map { k in
      var weight = 1.0
      for j in 0..<12 where j != k { weight *= (t + 5 - Double(j)) / Double(k - j) }
      return weight
    }
  }
}
