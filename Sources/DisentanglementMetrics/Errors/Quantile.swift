/// Quantiles of samples.
enum Quantile {
  /// The quantile q between order statistics, linearly interpolated at (n − 1)·q as NumPy does, in O(n); reorders the
  /// values.
  ///
  /// - Precondition: there is at least one value, and 0 ≤ q ≤ 1.
  static func interpolated(_ values: inout [Double], _ q: Double) -> Double {
    let position = Double(values.count - 1) * q, lower = Int(position.rounded(.down))
    let fraction = position - Double(lower)
    return values.withUnsafeMutableBufferPointer { values in
      select(values, lower)
      guard fraction > 0 else { return values[lower] }
      // After the selection the next order statistic is the smallest of those behind.
      var next = values[lower + 1]
      for i in lower + 1..<values.count { next = min(next, values[i]) }
      return values[lower] + fraction * (next - values[lower])
    }
  }

  /// The median; reorders the values.
  static func median(_ values: inout [Double]) -> Double { interpolated(&values, 0.5) }

  /// Brings the k-th smallest value to position k, smaller ones before it and larger ones behind (Hoare 1961).
  private static func select(_ values: UnsafeMutableBufferPointer<Double>, _ k: Int) {
    var low = 0, high = values.count - 1
    while low < high {
      let pivot = medianOfThree(values[low], values[(low + high) / 2], values[high])
      var i = low, j = high
      while i <= j {
        while values[i] < pivot { i += 1 }
        while values[j] > pivot { j -= 1 }
        if i <= j {
          values.swapAt(i, j)
          i += 1
          j -= 1
        }
      }
      if k <= j { high = j } else if k >= i { low = i } else { return }
    }
  }

  private static func medianOfThree(_ a: Double, _ b: Double, _ c: Double) -> Double {
    max(min(a, b), min(max(a, b), c))
  }
}
