import Diagnostics
import FileFormats

extension FactorTable {
  /// Reads the array `array`, [N, K] or [N] whole numbers, of the factors of `count` images; −1 means unknown.
  ///
  /// Each factor has as many values as its largest says. An attribute `names` or `factor_names` of the array, or
  /// `factor_names` or `latents_names` of the file gives the names; an attribute `kinds` or `factor_kinds` of the array or
  /// `factor_kinds` of the file the kinds. Without kinds, ``Factor/Kind/init(ofFactorNamed:)`` decides.
  ///
  /// - Throws: `StructuredError` when the array is missing or damaged, has another shape, or a value is out of range.
  init(_ file: any ArrayFile, _ array: String, count: Int) throws {
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
    var largest = [Int32](repeating: Self.unknown, count: width), values: [Int32] = []
    values.reserveCapacity(count * width)
    try file.forEachSlab(of: array, as: Int.self, rows: 1 << 14) { range, rows in
      for (position, value) in rows.enumerated() {
        guard value >= Int(Self.unknown), let small = Int32(exactly: value), small < .max else {
          throw StructuredError(
            "image \(range.lowerBound + position / width) has the value \(value) of factor \(position % width)",
            at: location, expected: "whole numbers from 0, or −1 where the value is unknown")
        }
        largest[position % width] = max(largest[position % width], small)
        values.append(small)
      }
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
