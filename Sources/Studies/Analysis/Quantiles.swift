/// The five quantiles of a sample that a box plot shows, with its mean.
///
/// Values that are not finite are left out and counted.
public struct Quantiles: Sendable, Equatable {
  /// N, the number of finite values.
  public var count: Int
  /// How many values were left out.
  public var missing: Int
  /// The smallest value.
  public var minimum: Double
  /// The 25 % quantile.
  public var lowerQuartile: Double
  /// The 50 % quantile.
  public var median: Double
  /// The 75 % quantile.
  public var upperQuartile: Double
  /// The largest value.
  public var maximum: Double
  /// x̄ = Σ_i x_i / N.
  public var mean: Double
  /// The standard error of the mean, √(Σ_i (x_i − x̄)² / (N − 1)) / √N; nil for one value.
  public var standardError: Double?

  /// Summarizes a sample; nil if none of its values is finite.
  public init?(of values: [Double]) {
    let sorted = values.filter(\.isFinite).sorted()
    guard let first = sorted.first, let last = sorted.last else { return nil }
    count = sorted.count
    missing = values.count - sorted.count
    minimum = first
    lowerQuartile = Self.interpolated(sorted, at: 0.25)
    median = Self.interpolated(sorted, at: 0.5)
    upperQuartile = Self.interpolated(sorted, at: 0.75)
    maximum = last
    mean = Moments.mean(sorted)
    standardError = Moments.standardDeviation(sorted).map { $0 / Double(sorted.count).squareRoot() }
  }

  /// The quantile q of a sorted sample: between order statistics, linearly interpolated at (N − 1)·q as NumPy does
  /// (Hyndman and Fan 1996, "Sample quantiles in statistical packages", definition 7).
  ///
  /// - Precondition: there is at least one value, all are finite and in ascending order, and 0 ≤ q ≤ 1.
  package static func interpolated(_ sorted: [Double], at q: Double) -> Double {
    let position = Double(sorted.count - 1) * q, lower = Int(position.rounded(.down))
    let fraction = position - Double(lower)
    guard fraction > 0 else { return sorted[lower] }
    return sorted[lower] + fraction * (sorted[lower + 1] - sorted[lower])
  }

  /// The median of finite values in any order; nil of none.
  package static func median(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : interpolated(values.sorted(), at: 0.5)
  }
}

/// Moments of samples of finite values.
enum Moments {
  /// The mean; exactly their value where all are equal, NaN of none.
  static func mean(_ values: [Double]) -> Double {
    guard let first = values.first else { return .nan }
    return first + values.reduce(0) { $0 + ($1 - first) } / Double(values.count)
  }

  /// The standard deviation (N − 1); exactly 0 where all are equal, nil for fewer than two values.
  static func standardDeviation(_ values: [Double]) -> Double? {
    guard values.count > 1 else { return nil }
    let mean = mean(values)
    return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
  }
}
