import Foundation

/// The density of a sample, estimated with a Gaussian kernel, as for violin plots.
///
///     f(x) = 1/(N·h) · Σ_i φ((x − x_i)/h),   h = s·N^(−1/5)
///
/// with the standard normal density φ and the standard deviation s (N − 1) of the sample: Scott's rule (Scott 1992,
/// *Multivariate Density Estimation*) as SciPy's `gaussian_kde` takes it. Values that are not finite are left out and
/// counted. In units of 1/x.
public struct Density: Sendable, Equatable {
  /// The points at which the density is estimated, `[P]`.
  public var points: [Double]
  /// The density at each of them, `[P]`.
  public var values: [Double]
  /// h, in the units of the sample.
  public var bandwidth: Double
  /// N, the number of finite values.
  public var count: Int
  /// How many values were left out.
  public var missing: Int

  /// The density of a sample at some points, in O(N·P); NaN at a point that is NaN.
  ///
  /// Returns nil where there is no bandwidth: for fewer than two finite values, and where all are equal.
  ///
  /// - Parameters:
  ///   - sample: `[N]`.
  ///   - points: `[P]`.
  public init?(of sample: [Double], at points: [Double]) {
    let finite = sample.filter(\.isFinite)
    guard let bandwidth = Self.bandwidth(finite) else { return nil }
    self.init(finite, bandwidth: bandwidth, points: points, missing: sample.count - finite.count)
  }

  /// The density of a sample at evenly spaced points from `reach` bandwidths below its minimum to as many above its
  /// maximum.
  ///
  /// Returns nil where there is no bandwidth: for fewer than two finite values, and where all are equal.
  ///
  /// - Parameters:
  ///   - sample: `[N]`.
  ///   - pointCount: P; one point is the lowest, fewer are none.
  ///   - reach: in bandwidths; at 3, f at the ends is 1 % of one value's peak.
  public init?(of sample: [Double], pointCount: Int, reach: Double = 3) {
    let finite = sample.filter(\.isFinite)
    guard let bandwidth = Self.bandwidth(finite), let least = finite.min(), let most = finite.max() else { return nil }
    let low = least - reach * bandwidth, high = most + reach * bandwidth
    let points = (0..<max(0, pointCount)).map { point in
      let share = Double(point) / Double(max(1, pointCount - 1))
      return low * (1 - share) + high * share
    }
    self.init(finite, bandwidth: bandwidth, points: points, missing: sample.count - finite.count)
  }

  private init(_ finite: [Double], bandwidth: Double, points: [Double], missing: Int) {
    let factor = 1 / (Double(finite.count) * bandwidth * (2 * Double.pi).squareRoot())
    values = points.map { point in
      var sum = 0.0
      for value in finite {
        let distance = (point - value) / bandwidth
        sum += exp(-0.5 * distance * distance)
      }
      return factor * sum
    }
    self.points = points
    self.bandwidth = bandwidth
    count = finite.count
    self.missing = missing
  }

  /// Scott's bandwidth of finite values; nil where there is none, or none that a number can hold.
  private static func bandwidth(_ finite: [Double]) -> Double? {
    guard let deviation = Moments.standardDeviation(finite) else { return nil }
    let bandwidth = deviation * pow(Double(finite.count), -0.2)
    return bandwidth.isNormal && (1 / bandwidth).isFinite ? bandwidth : nil
  }
}
