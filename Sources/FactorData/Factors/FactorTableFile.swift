import Diagnostics
import FileFormats

extension FactorTable {
  /// Reads the array `array`, [N, K] or [N], of the factors of `count` images: whole numbers, where −1 means unknown, or
  /// floating-point numbers, where NaN does, too.
  ///
  /// Each factor has as many values as its largest says. A factor of floating-point numbers that are not all whole numbers
  /// from 0 is continuous and has the values of its bins. An attribute `names` or `factor_names` of the array, or
  /// `factor_names` or `latents_names` of the file gives the names; an attribute `kinds` or `factor_kinds` of the array or
  /// `factor_kinds` of the file the kinds. Without kinds, ``Factor/Kind/init(ofFactorNamed:)`` decides.
  ///
  /// - Throws: `StructuredError` when the array is missing or damaged, has another shape, a value is out of range, or a factor
  ///   is continuous and there are no bins.
  init(_ file: any ArrayFile, _ array: String, count: Int, bins: FactorBinning? = nil) throws {
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
    let values: [Int32], largest: [Int32]
    if case .floatingPoint = about.type {
      (values, largest) = try Self.measured(file, array, count: count, width: width, bins)
    } else {
      (values, largest) = try Self.counted(file, array, count: count, width: width)
    }
    if let empty = largest.firstIndex(of: Self.unknown) {
      throw StructuredError(
        "no image has a known value of factor \(empty)", at: location, expected: "whole numbers from 0")
    }
    let names =
      Self.texts(file, array, ["names", "factor_names"], ["factor_names", "latents_names"], width)
      ?? (0..<width).map { "factor \($0)" }
    let kinds = try Self.kinds(file, array, names, at: location)
    let factors = names.indices.map { Factor(names[$0], size: Int(largest[$0]) + 1, kind: kinds[$0]) }
    try self.init(factors, values: values, location: location)
  }

  private static let wholeNumbers = "whole numbers from 0, or −1 where the value is unknown"

  /// Whole numbers, [N, K], and the largest of each factor, [K].
  private static func counted(
    _ file: any ArrayFile, _ array: String, count: Int, width: Int
  ) throws -> (values: [Int32], largest: [Int32]) {
    var largest = [Int32](repeating: unknown, count: width), values: [Int32] = []
    values.reserveCapacity(count * width)
    try file.forEachSlab(of: array, as: Int.self, rows: 1 << 14) { range, rows in
      for (position, value) in rows.enumerated() {
        guard value >= Int(unknown), let small = Int32(exactly: value), small < .max else {
          throw StructuredError(
            "image \(range.lowerBound + position / width) has the value \(value) of factor \(position % width)",
            at: "\(file.path), array \"\(array)\"", expected: wholeNumbers)
        }
        largest[position % width] = max(largest[position % width], small)
        values.append(small)
      }
    }
    return (values, largest)
  }

  /// Floating-point numbers as values or bins, [N, K], and the largest of each factor, [K].
  private static func measured(
    _ file: any ArrayFile, _ array: String, count: Int, width: Int, _ bins: FactorBinning?
  ) throws -> (values: [Int32], largest: [Int32]) {
    let location = "\(file.path), array \"\(array)\""
    let numbers = try file.read(array, as: Double.self).values
    var largest = [Int32](repeating: unknown, count: width)
    var values = [Int32](repeating: unknown, count: count * width)
    for factor in 0..<width {
      let column = (0..<count).map { numbers[$0 * width + factor] }
      func error(_ image: Int, _ expected: String, _ action: String? = nil) -> StructuredError {
        StructuredError(
          "image \(image) has the value \(column[image]) of factor \(factor)", at: location, expected: expected,
          action: action)
      }
      if let infinite = column.firstIndex(where: \.isInfinite) {
        throw error(infinite, "finite numbers, or NaN where the value is unknown")
      }
      let other = column.firstIndex {
        !$0.isNaN && !($0 >= Double(unknown) && $0 < Double(Int32.max) && $0 == $0.rounded())
      }
      let found: [Int32]
      if let other {
        guard let bins else {
          throw error(
            other, wholeNumbers,
            "Put continuous values into bins with dataset.bins, for example {count: 10, rule: width}.")
        }
        found = bins.bins(column)
        largest[factor] = Int32(bins.count) - 1
      } else {
        found = column.map { $0.isNaN ? unknown : Int32($0) }
        largest[factor] = found.max() ?? unknown
      }
      for (image, value) in found.enumerated() { values[image * width + factor] = value }
    }
    return (values, largest)
  }

  /// The texts of the first of some attributes, of the array or of the file, that has as many as there are factors.
  private static func texts(
    _ file: any ArrayFile, _ array: String, _ ofArray: [String], _ ofFile: [String], _ width: Int
  ) -> [String]? {
    let places = ofArray.map { (array, $0) } + ofFile.map { ("/", $0) }
    return places.lazy.compactMap { file.strings(ofAttribute: $1, of: $0) }.first { $0.count == width }
  }

  private static func kinds(
    _ file: any ArrayFile, _ array: String, _ names: [String], at location: String
  ) throws -> [Factor.Kind] {
    guard let texts = texts(file, array, ["kinds", "factor_kinds"], ["factor_kinds"], names.count) else {
      return names.map(Factor.Kind.init(ofFactorNamed:))
    }
    return try texts.map { try Factor.Kind(text: $0, at: location) }
  }
}
