/// The largest of some differences, in magnitude; 0 of none.
///
/// Infinite if one of them is not a number, so that a comparison with a tolerance fails. `max` would not do: it passes over
/// what is not a number.
public func worst(_ differences: some Sequence<Double>) -> Double {
  differences.reduce(0) { $1.isNaN ? .infinity : max($0, abs($1)) }
}

/// max|a − b|; infinite if the counts differ or a difference is not a number.
public func absoluteDifference<A: BinaryFloatingPoint, B: BinaryFloatingPoint>(_ a: [A], _ b: [B]) -> Double {
  guard a.count == b.count else { return .infinity }
  return worst(zip(a, b).lazy.map { Double($0) - Double($1) })
}

/// max|a − b| / max|b|: the largest difference relative to the largest magnitude of the reference.
///
/// Infinite if the counts differ, if a difference is not a number, or if the reference is not finite.
public func relativeDifference<A: BinaryFloatingPoint, B: BinaryFloatingPoint>(_ a: [A], _ b: [B]) -> Double {
  let difference = absoluteDifference(a, b), scale = worst(b.lazy.map { Double($0) })
  guard scale.isFinite else { return .infinity }
  return difference == 0 ? 0 : difference / scale
}

/// |a − b| / |b| of two numbers.
public func relativeDifference(_ a: some BinaryFloatingPoint, _ b: some BinaryFloatingPoint) -> Double {
  relativeDifference([Double(a)], [Double(b)])
}
