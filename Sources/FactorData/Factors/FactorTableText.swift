import Diagnostics
import FileFormats

extension FactorTable {
  /// Makes the factors of all columns of a table but the first, which names the images.
  ///
  /// A column of whole numbers from 0 is used as it is, and has as many values as its largest says;
  /// ``Factor/Kind/init(ofFactorNamed:)`` gives its kind. A column in which something is no number is a categorical factor whose
  /// values are its texts, in the order of their bytes. Other numbers are continuous values, which are put into bins. An empty
  /// field is an unknown value.
  ///
  /// - Throws: `StructuredError` when a column has no known value, or continuous ones and there are no bins.
  init(_ table: CSVTable, bins: FactorBinning? = nil) throws {
    var factors: [Factor] = [], columns: [[Int32]] = []
    for (column, name) in table.names.enumerated().dropFirst() {
      let texts = table.rows.map { $0[column] }
      guard !name.isEmpty else {
        throw StructuredError("column \(column + 1) has no name", at: "\(table.path), line 1", expected: "a name")
      }
      guard texts.contains(where: { !$0.isEmpty }) else {
        throw StructuredError("no image has a known value of \(name)", at: table.path, expected: "a value")
      }
      if let numbers = Self.continuousNumbers(texts), let bins {
        factors.append(Factor(name, size: bins.count))
        columns.append(bins.bins(numbers))
      } else if let values = try Self.wholeNumbers(texts, name, table) {
        factors.append(Factor(name, size: Int(values.max() ?? 0) + 1, kind: Factor.Kind(ofFactorNamed: name)))
        columns.append(values)
      } else {
        let names = Set(texts).subtracting([""]).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Int32($0)) })
        factors.append(Factor(name, size: names.count, kind: .categorical))
        columns.append(texts.map { numbers[$0] ?? Self.unknown })
      }
    }
    let values = table.rows.indices.flatMap { row in columns.map { $0[row] } }
    try self.init(factors, values: values, location: table.path)
  }

  /// The finite numbers of a column, NaN where the field is empty; nil if something in it is no such number, or if all are whole
  /// numbers from 0.
  private static func continuousNumbers(_ texts: [String]) -> [Double]? {
    let numbers = texts.map { $0.isEmpty ? .nan : Double($0) ?? .infinity }
    guard zip(texts, numbers).allSatisfy({ $0.isEmpty || $1.isFinite }) else { return nil }
    return numbers.contains { $0 < 0 || $0.rounded() != $0 && !$0.isNaN } ? numbers : nil
  }

  /// The numbers of a column; nil if something in it is no number.
  private static func wholeNumbers(_ texts: [String], _ name: String, _ table: CSVTable) throws -> [Int32]? {
    guard texts.allSatisfy({ $0.isEmpty || Double($0) != nil }) else { return nil }
    return try zip(texts, table.lines).map { text, line in
      if text.isEmpty { return Self.unknown }
      guard let value = Int32(text) ?? Double(text).flatMap({ Int32(exactly: $0) }) else {
        throw StructuredError(
          "the value of \(name) is \(text)", at: "\(table.path), line \(line)",
          expected: "whole numbers from 0, texts, or an empty field where the value is unknown",
          action: "Put continuous values into bins with dataset.bins, for example {count: 10, rule: width}.")
      }
      guard value >= 0, value < .max else {
        throw StructuredError(
          "the value of \(name) is \(text)", at: "\(table.path), line \(line)",
          expected: "whole numbers from 0, or an empty field where the value is unknown")
      }
      return value
    }
  }
}
