import Diagnostics

/// The values of the factors of each image, as a table lists them. A value may be unknown.
public struct FactorTable: Sendable, Equatable {
  /// The entry of an unknown value, −1.
  public static let unknown: Int32 = -1

  /// The factors, [K].
  public let factors: [Factor]
  /// The number of images, N.
  public let count: Int
  /// The values, [N, K] in row-major order, from 0 to the size of the factor − 1; ``unknown`` where not known.
  public let values: [Int32]
  /// The number of images whose value is unknown, for each factor, [K].
  public let unknownCounts: [Int]

  /// Checks and takes a table.
  ///
  /// - Parameters:
  ///   - factors: the factors, [K].
  ///   - values: [N, K] in row-major order; ``unknown`` where a value is not known.
  ///   - location: where the table comes from, for errors.
  /// - Throws: `StructuredError` when there are no factors, names repeat, the values do not form rows of K, or a value is
  ///   neither ``unknown`` nor in 0 ..< size.
  public init(_ factors: [Factor], values: [Int32], location: String? = nil) throws {
    guard !factors.isEmpty, values.count % factors.count == 0 else {
      throw StructuredError(
        "\(values.count) factor values do not form rows of \(factors.count)", at: location,
        expected: "factors [N, K] with K ≥ 1")
    }
    if let repeated = factors.map(\.name).firstRepeated {
      throw StructuredError("two factors are called \"\(repeated)\"", at: location, expected: "names that differ")
    }
    var unknown = [Int](repeating: 0, count: factors.count)
    let sizes = factors.map(\.size)
    for (position, value) in values.enumerated() {
      let column = position % sizes.count
      if value == Self.unknown {
        unknown[column] += 1
      } else if value < 0 || Int(value) >= sizes[column] {
        throw StructuredError(
          "image \(position / sizes.count) has the value \(value) of factor \"\(factors[column].name)\"", at: location,
          expected: "0 to \(sizes[column] - 1), or \(Self.unknown) where it is unknown")
      }
    }
    (self.factors, self.values, unknownCounts) = (factors, values, unknown)
    count = values.count / factors.count
  }

  /// The value of one factor of one image; nil where it is unknown.
  public func value(of factor: Int, at index: Int) -> Int? {
    precondition(factor >= 0 && factor < factors.count, "there is no factor \(factor)")
    let value = values[index * factors.count + factor]
    return value == Self.unknown ? nil : Int(value)
  }

  /// The values of the factors of one image, [K]; nil where a value is unknown.
  public func values(at index: Int) -> [Int?] { factors.indices.map { value(of: $0, at: index) } }

  /// The values of one factor of all images, [N]; ``unknown`` where a value is not known.
  public func column(_ factor: Int) -> [Int32] {
    precondition(factor >= 0 && factor < factors.count, "there is no factor \(factor)")
    return stride(from: factor, to: values.count, by: factors.count).map { values[$0] }
  }

  /// Whether all values of an image are known.
  public func isComplete(at index: Int) -> Bool {
    !values[index * factors.count..<(index + 1) * factors.count].contains(Self.unknown)
  }

  /// The grid of the factors, where the table lists each combination once and in order.
  public func grid() -> FactorSpace? {
    guard let space = try? FactorSpace(factors), space.count == count else { return nil }
    for index in 0..<count {
      for factor in factors.indices
      where Int(values[index * factors.count + factor]) != space.value(of: factor, at: index) { return nil }
    }
    return space
  }
}
