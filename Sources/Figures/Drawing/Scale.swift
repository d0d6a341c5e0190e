import Diagnostics
import Foundation

/// How values become places along an axis, and where its ticks are.
package struct Scale {
  /// The kind of an axis.
  package enum Kind: Equatable {
    case linear
    /// Powers of ten; values are positive.
    case logarithmic
    /// Linear within ± threshold, powers of ten outside, for values of both signs and very different sizes.
    case symmetricLogarithmic(threshold: Double)
  }

  /// A mark on an axis.
  package struct Tick: Equatable {
    package var value: Double
    package var label: String

    package init(value: Double, label: String) { (self.value, self.label) = (value, label) }
  }

  package let kind: Kind
  /// The values at the two ends.
  package let domain: ClosedRange<Double>
  /// The places of the two ends.
  package let start: Double
  package let end: Double

  package init(_ kind: Kind = .linear, _ domain: ClosedRange<Double>, from start: Double, to end: Double) {
    (self.kind, self.start, self.end) = (kind, start, end)
    let isWide = domain.lowerBound.isFinite && domain.upperBound.isFinite && domain.upperBound > domain.lowerBound
    self.domain = isWide ? domain : Self.around(domain.lowerBound)
  }

  /// A linear axis whose ends are ticks around the values; from or to zero where that is near.
  package init(
    covering values: [Double], includingZero: Bool = false, from start: Double, to end: Double, ticks: Int = 5
  ) {
    let finite = values.filter(\.isFinite) + (includingZero ? [0] : [])
    guard let low = finite.min(), let high = finite.max() else {
      self.init(.linear, 0...1, from: start, to: end)
      return
    }
    let range = high > low ? low...high : Self.around(low)
    let step = Self.step(range.upperBound - range.lowerBound, ticks)
    self.init(
      .linear,
      (range.lowerBound / step + 1e-9).rounded(.down) * step...(range.upperBound / step - 1e-9).rounded(.up) * step,
      from: start, to: end)
  }

  private static func around(_ value: Double) -> ClosedRange<Double> {
    guard value.isFinite else { return 0...1 }
    let half = value == 0 ? 0.5 : abs(value) / 2
    return value - half...value + half
  }

  /// The place of a value; what lies outside the domain stays at its end.
  package func callAsFunction(_ value: Double) -> Double {
    let value = min(domain.upperBound, max(domain.lowerBound, value))
    let low = bent(domain.lowerBound), high = bent(domain.upperBound)
    return start + (end - start) * (bent(value) - low) / (high - low)
  }

  private func bent(_ value: Double) -> Double {
    switch kind {
    case .linear: return value
    case .logarithmic: return log10(max(value, .leastNormalMagnitude))
    case .symmetricLogarithmic(let threshold):
      let size = abs(value) / threshold
      return (value < 0 ? -1 : 1) * (size <= 1 ? size : 1 + log10(size))
    }
  }

  /// About `count` ticks at round values.
  package func ticks(_ count: Int = 5, isCount: Bool = false) -> [Tick] {
    switch kind {
    case .linear:
      var step = Self.step(domain.upperBound - domain.lowerBound, count)
      if isCount { step = max(1, step) }
      let first = Int((domain.lowerBound / step - 1e-9).rounded(.up))
      let last = Int((domain.upperBound / step + 1e-9).rounded(.down))
      guard first <= last, last - first < 100 else { return [] }
      return (first...last).map { index in
        let value = Double(index) * step
        return Tick(value: value, label: isCount ? Format.count(value) : Format.round(value, step: step))
      }
    case .logarithmic:
      let decades = Int(log10(domain.lowerBound).rounded(.down))...Int(log10(domain.upperBound).rounded(.up))
      // Powers of ten; where there are not two of them, 2 and 5 times these as well.
      func ticks(_ factors: [Double]) -> [Tick] {
        decades.flatMap { decade in factors.map { $0 * pow(10, Double(decade)) } }.filter(domain.contains)
          .map { Tick(value: $0, label: Format.count($0)) }
      }
      let powers = ticks([1])
      return powers.count > 1 ? powers : ticks([1, 2, 5])
    case .symmetricLogarithmic(let threshold):
      var values = [0.0]
      var size = threshold
      while size <= max(abs(domain.lowerBound), abs(domain.upperBound)) {
        values += [-size, size]
        size *= 10
      }
      return values.filter(domain.contains).sorted().map {
        Tick(value: $0, label: Format.round($0, step: threshold))
      }
    }
  }

  /// A step of 1, 2 or 5 times a power of ten that cuts a length into about `count` parts.
  package static func step(_ length: Double, _ count: Int) -> Double {
    let rough = length / Double(max(1, count))
    let power = pow(10, log10(rough).rounded(.down))
    let ratio = rough / power
    return power * (ratio < 1.5 ? 1 : ratio < 3.5 ? 2 : ratio < 7.5 ? 5 : 10)
  }
}
