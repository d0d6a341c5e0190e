import Diagnostics
import FileFormats

/// The factors of the images of a file, as it lists them.
struct FactorTable {
  /// The factors; each has as many values as its largest says.
  private(set) var factors: [Factor] = []
  /// The values, [N, K].
  private(set) var values: [Int32] = []

  private let count: Int

  /// Reads the array `array`, [N, K] or [N], of the factors of `count` images.
  init(_ file: any ArrayFile, _ array: String, count: Int) throws {
    self.count = count
    let location = "\(file.path), array \"\(array)\""
    let about = try file.information(array)
    guard about.shape.count == 1 || about.shape.count == 2 else {
      throw StructuredError("the array has shape \(about.shape)", at: location, expected: "[N, factors] or [N]")
    }
    guard about.shape[0] == count else {
      throw StructuredError(
        "the array has \(about.shape[0]) rows", at: location, expected: "one for each of the \(count) images")
    }
    let width = about.shape.dropFirst().first ?? 1
    var largest = [Int32](repeating: 0, count: width)
    values.reserveCapacity(count * width)
    try file.forEachSlab(of: array, as: Int.self, rows: 1 << 14) { range, rows in
      for (position, value) in rows.enumerated() {
        guard value >= 0, let small = Int32(exactly: value), small < .max else {
          throw StructuredError(
            "image \(range.lowerBound + position / width) has the value \(value) of factor \(position % width)",
            at: location, expected: "whole numbers from 0")
        }
        largest[position % width] = max(largest[position % width], small)
        values.append(small)
      }
    }
    let names = Self.names(file, array, width)
    factors = zip(names, largest).map { Factor($0, size: Int($1) + 1) }
    let repeated = Dictionary(grouping: names, by: { $0 }).first { $0.value.count > 1 }?.key
    if let repeated {
      throw StructuredError("two factors are called \"\(repeated)\"", at: location, expected: "names that differ")
    }
  }

  /// The names that an attribute gives, or else numbers.
  private static func names(_ file: any ArrayFile, _ array: String, _ width: Int) -> [String] {
    let places = [(array, "names"), (array, "factor_names"), ("/", "factor_names"), ("/", "latents_names")]
    for (object, attribute) in places {
      if let names = file.strings(ofAttribute: attribute, of: object), names.count == width { return names }
    }
    return (0..<width).map { "factor \($0)" }
  }

  /// The grid of the factors, where the table lists each combination once and in order.
  func grid() throws -> FactorSpace? {
    var product = 1
    for factor in factors {
      let (next, overflow) = product.multipliedReportingOverflow(by: factor.size)
      if overflow || next > count { return nil }
      product = next
    }
    guard product == count, !factors.isEmpty else { return nil }
    let space = try FactorSpace(factors)
    for index in 0..<count {
      for factor in factors.indices
      where Int(values[index * factors.count + factor]) != space.value(of: factor, at: index) { return nil }
    }
    return space
  }
}
