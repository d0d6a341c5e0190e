/// A 95 % interval, in the units of the statistic that it belongs to.
public struct Interval: Sendable, Equatable {
  /// The lower end.
  public var lower: Double
  /// The upper end.
  public var upper: Double

  /// Makes an interval from its ends.
  public init(lower: Double, upper: Double) {
    self.lower = lower
    self.upper = upper
  }

  /// The 2.5 % and 97.5 % quantiles of a statistic over resamples (``Quantiles/interpolated(_:at:)``); nil if fewer than
  /// two values are finite, which are all that count.
  init?(percentilesOf values: [Double]) {
    let sorted = values.filter(\.isFinite).sorted()
    guard sorted.count > 1 else { return nil }
    lower = Quantiles.interpolated(sorted, at: 0.025)
    upper = Quantiles.interpolated(sorted, at: 0.975)
  }

  /// The same with all values moved by one amount, so that their mean is the estimate from the sample itself.
  init?(percentilesOf values: [Double], centeredOn estimate: Double) {
    let finite = values.filter(\.isFinite), mean = finite.reduce(0, +) / Double(finite.count)
    self.init(percentilesOf: finite.map { $0 + (estimate - mean) })
  }

  /// The interval of 1 minus the statistic.
  var complement: Interval { Interval(lower: 1 - upper, upper: 1 - lower) }

  /// The interval with its ends moved into a range.
  func clamped(to range: ClosedRange<Double>) -> Interval {
    func clamp(_ value: Double) -> Double { min(max(value, range.lowerBound), range.upperBound) }
    return Interval(lower: clamp(lower), upper: clamp(upper))
  }
}
