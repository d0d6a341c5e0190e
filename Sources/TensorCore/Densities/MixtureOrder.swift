import Foundation

/// The order of a mixture's components and dimensions in which the sum over all components is fastest: neighbours lie together,
/// so that most tiles are far from any one point, and the dimensions come first that tell so.
struct MixtureOrder {
  /// The dimensions, by the mean square distance of two components in units of their σ, in descending order.
  let dimensions: [Int32]
  /// The components along a Z-order curve (Morton 1966) through their means.
  let components: [Int]

  /// Dimensions of the curve, and bits of each: those in which components are farthest apart.
  private static let most = 6, bits = 10

  /// - Parameters:
  ///   - means: μ, `[N, D]`.
  ///   - logVariances: log σ², `[N, D]`.
  ///   - d: D.
  init(means: [Float], logVariances: [Float], dimensions d: Int) {
    let count = means.count / d, step = max(1, count / 4_096)
    // From some of the components.
    var distances = [Double](repeating: 0, count: d), precisions = distances
    for k in 0..<d {
      var number = 0.0, sum = 0.0, squares = 0.0
      for n in stride(from: k % step, to: count, by: step) {
        let mean = Double(means[n * d + k])
        number += 1
        sum += mean
        squares += mean * mean
        precisions[k] += exp(-Double(logVariances[n * d + k]))
      }
      precisions[k] /= number
      distances[k] = (squares / number - (sum / number) * (sum / number)) * precisions[k]
    }
    let order = distances.indices.sorted { (distances[$1], $0) < (distances[$0], $1) }
    dimensions = order.map { Int32($0) }

    // Cells of as many σ in every dimension, so many that the widest has 2¹⁰ of them.
    let axes = Array(order.prefix(Self.most))
    var origins = [Float](repeating: 0, count: axes.count), scales = origins, widest: Float = 0
    for (axis, k) in axes.enumerated() {
      var low = Float.infinity, high = -Float.infinity
      for n in 0..<count {
        low = min(low, means[n * d + k])
        high = max(high, means[n * d + k])
      }
      (origins[axis], scales[axis]) = (low, Float(precisions[k].squareRoot()))
      widest = max(widest, (high - low) * scales[axis])
    }
    let cells = Float((1 << Self.bits) - 1), unit = widest > 0 && widest.isFinite ? cells / widest : 0
    var keys = [UInt64](repeating: 0, count: count)
    for n in 0..<count {
      var key: UInt64 = 0
      for (axis, k) in axes.enumerated() {
        let cell = UInt64(max(0, min(cells, (means[n * d + k] - origins[axis]) * scales[axis] * unit)))
        key |= Self.spread[Int(cell)] << UInt64(axes.count - 1 - axis)
      }
      keys[n] = key
    }
    components = Self.sorted(keys)
  }

  /// The bits of a number, six places apart.
  private static let spread: [UInt64] = (0..<1 << bits).map { cell in
    (0..<bits).reduce(0) { $0 | UInt64(cell >> $1 & 1) << UInt64(most * $1) }
  }

  /// The places of keys in ascending order, equal ones in their own: a radix sort.
  private static func sorted(_ keys: [UInt64]) -> [Int] {
    let digits = 12, mask = UInt64((1 << digits) - 1)
    var places = Array(keys.indices), other = places
    for shift in stride(from: 0, to: most * bits, by: digits) {
      var starts = [Int](repeating: 0, count: 1 << digits)
      for key in keys { starts[Int(key >> UInt64(shift) & mask)] += 1 }
      var sum = 0
      for digit in starts.indices { (starts[digit], sum) = (sum, sum + starts[digit]) }
      for place in places {
        let digit = Int(keys[place] >> UInt64(shift) & mask)
        other[starts[digit]] = place
        starts[digit] += 1
      }
      swap(&places, &other)
    }
    return places
  }
}
