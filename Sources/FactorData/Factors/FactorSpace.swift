import Diagnostics

/// The full grid of a list of factors: every combination of values once, the last factor changing fastest.
///
///     index = Σ_k value_k · stride_k,   stride_k = Π_{j > k} size_j
public struct FactorSpace: Sendable, Equatable {
  /// The factors, slowest first.
  public let factors: [Factor]
  /// The distance in the data of two adjacent values of each factor.
  public let strides: [Int]
  /// The number of combinations.
  public let count: Int

  /// Makes the grid of a list of factors.
  ///
  /// - Throws: `StructuredError` when names repeat or the number of combinations does not fit an `Int`.
  public init(_ factors: [Factor]) throws {
    var strides = [Int](repeating: 1, count: factors.count), count = 1
    for index in factors.indices.reversed() {
      strides[index] = count
      let (product, overflow) = count.multipliedReportingOverflow(by: factors[index].size)
      if overflow { throw StructuredError("the grid of the factors has too many combinations") }
      count = product
    }
    var seen = Set<String>()
    for factor in factors where !seen.insert(factor.name).inserted {
      throw StructuredError("two factors are called \"\(factor.name)\"", expected: "names that differ")
    }
    (self.factors, self.strides, self.count) = (factors, strides, count)
  }

  /// The number of values of each factor.
  public var sizes: [Int] { factors.map(\.size) }

  /// The values of the factors at an index.
  ///
  /// - Precondition: `index` is in `0..<count`.
  public func values(at index: Int) -> [Int] {
    precondition(index >= 0 && index < count, "index \(index) is outside the factor space")
    return zip(factors, strides).map { factor, stride in index / stride % factor.size }
  }

  /// The value of one factor at an index.
  public func value(of factor: Int, at index: Int) -> Int { index / strides[factor] % factors[factor].size }

  /// The index of a combination of values.
  ///
  /// - Throws: `StructuredError` when the number of values is wrong or one is out of range.
  public func index(of values: [Int]) throws -> Int {
    guard values.count == factors.count else {
      throw StructuredError("\(values.count) factor values were given", expected: "\(factors.count)")
    }
    var index = 0
    for (position, value) in values.enumerated() {
      guard value >= 0, value < factors[position].size else {
        throw StructuredError(
          "factor \"\(factors[position].name)\" has no value \(value)", expected: "0 to \(factors[position].size - 1)")
      }
      index += value * strides[position]
    }
    return index
  }
}
