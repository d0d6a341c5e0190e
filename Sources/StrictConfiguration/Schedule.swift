/// A weight that is constant or warms up linearly from one value to another over the first steps.
///
///     value(t) = from + (to − from) · min(1, t / steps)
///
/// In YAML a number, or `{from: 0, to: 1, steps: 10000}`. Steps count from 0, as in `disentanglement_lib`.
public enum Schedule: Sendable, Equatable {
  /// The same value at every step.
  case constant(Double)
  /// Linear warm-up; `steps` ≥ 1.
  case linear(from: Double, to: Double, steps: Int)

  /// The value at a step (t ≥ 0); exactly the end value from `steps` on.
  public func value(at step: Int) -> Double {
    switch self {
    case .constant(let value): return value
    case .linear(let from, let to, let steps):
      return step >= steps ? to : from + (to - from) * (Double(max(0, step)) / Double(steps))
    }
  }

  /// The schedule of values `factor` times as large.
  public func scaled(by factor: Double) -> Schedule {
    switch self {
    case .constant(let value): .constant(factor * value)
    case .linear(let from, let to, let steps): .linear(from: factor * from, to: factor * to, steps: steps)
    }
  }

  /// The value after any warm-up.
  public var final: Double {
    switch self {
    case .constant(let value): return value
    case .linear(_, let to, _): return to
    }
  }
}

extension Schedule: CustomStringConvertible {
  /// `6`, or `0 → 6 over 10000 steps`.
  public var description: String {
    switch self {
    case .constant(let value): return canonicalText(value)
    case .linear(let from, let to, let steps):
      return "\(canonicalText(from)) → \(canonicalText(to)) over \(steps) steps"
    }
  }
}

extension Schedule: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  /// A constant.
  public init(floatLiteral value: Double) { self = .constant(value) }
  /// A constant.
  public init(integerLiteral value: Int) { self = .constant(Double(value)) }
}

extension ConfigurationSection {
  /// Reads a schedule. The bounds are checked at both ends of a warm-up, so they hold at every step.
  public mutating func schedule(
    _ key: String, default value: Schedule? = nil, in bounds: Bounds<Double> = .any
  ) throws -> Schedule {
    if let node = self.node(for: key), case .mapping = node.content {
      return try section(key, inline: true) { inner in
        .linear(
          from: try inner.number("from", default: 0, in: bounds), to: try inner.number("to", in: bounds),
          steps: try inner.integer("steps", in: .atLeast(1)))
      }
    }
    if let value, case .linear(let from, let to, let steps) = value, node(for: key) == nil {
      return try section(key, inline: true) { inner in
        .linear(
          from: try inner.number("from", default: from), to: try inner.number("to", default: to),
          steps: try inner.integer("steps", default: steps))
      }
    }
    let expected = bounds.describe(Double.kind) + ", or a warm-up {from: 0, to: 1, steps: 10000}"
    return .constant(try scalar(key, default: value?.final, expected: expected) { bounds.contains($0) })
  }
}
