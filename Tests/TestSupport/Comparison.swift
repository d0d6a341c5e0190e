/// max|a − b| / max|b|: the largest difference relative to the largest magnitude of the reference.
///
/// Infinite if the counts differ or anything is not a number, so that a comparison with a tolerance fails.
public func relativeDifference<A: BinaryFloatingPoint, B: BinaryFloatingPoint>(_ a: [A], _ b: [B]) -> Double {
  guard a.count == b.count else { return .infinity }
  let scale = b.reduce(0.0) { max($0, abs(Double($1))) }
  let worst = absoluteDifference(a, b)
  return worst == 0 ? 0 : worst / scale
}

/// max|a − b|; infinite if the counts differ or anything is not a number.
public func absoluteDifference<A: BinaryFloatingPoint, B: BinaryFloatingPoint>(_ a: [A], _ b: [B]) -> Double {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).reduce(0.0) {
    let difference = abs(Double($1.0) - Double($1.1))
    return difference.isNaN ? .infinity : max($0, difference)
  }
}
