import Diagnostics

/// A table of text in comma-separated values (RFC 4180): a line of names, then lines of as many fields.
///
/// Lines end with LF or CR LF. A field in double quotes may hold commas, line ends and, doubled, quotes. Blanks around a field
/// without quotes do not count. A byte order mark at the beginning is skipped.
public struct CSVTable: Sendable {
  /// The names of the columns.
  public let names: [String]
  /// The fields of each row.
  public let rows: [[String]]
  /// The number of the line in which each row begins, from 1.
  public let lines: [Int]
  /// The file.
  public let path: String

  /// Reads a file.
  ///
  /// - Throws: `StructuredError` if the file is missing, is not UTF-8, or a line has another number of fields than the first.
  public init(reading path: String) throws {
    let file = try FileBytes(reading: path)
    guard file.count <= 1 << 30, var bytes = file.bytes(at: 0, file.count) else {
      throw StructuredError("the file cannot be read, or has more than 1 GiB", at: path)
    }
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { bytes.removeFirst(3) }
    guard String(validating: bytes, as: UTF8.self) != nil, !bytes.contains(0) else {
      throw StructuredError("the file is not text in UTF-8", at: path, expected: "comma-separated values")
    }
    var parser = Parser(bytes: bytes, path: path)
    guard let first = try parser.row() else {
      throw StructuredError("the table is empty", at: path, expected: "a line of names")
    }
    var rows: [[String]] = [], lines: [Int] = []
    while true {
      let line = parser.line
      guard let row = try parser.row() else { break }
      // A line without anything is no row.
      if row == [""] { continue }
      guard row.count == first.count else {
        throw StructuredError(
          "there are \(row.count) fields", at: "\(path), line \(line)", expected: "\(first.count), as in the first line"
        )
      }
      rows.append(row)
      lines.append(line)
    }
    (names, self.rows, self.lines, self.path) = (first, rows, lines, path)
  }

  private struct Parser {
    let bytes: [UInt8]
    let path: String
    var offset = 0
    var line = 1

    private static let quote = UInt8(ascii: "\""), comma = UInt8(ascii: ","), end = UInt8(ascii: "\n")

    init(bytes: [UInt8], path: String) { (self.bytes, self.path) = (bytes, path) }

    /// The fields of the next line; nil at the end of the file.
    mutating func row() throws -> [String]? {
      guard offset < bytes.count else { return nil }
      var fields: [String] = []
      while true {
        fields.append(try field())
        guard offset < bytes.count else { return fields }
        offset += 1
        if bytes[offset - 1] == Self.end {
          line += 1
          return fields
        }
      }
    }

    /// The next field, up to the comma or line end after it.
    private mutating func field() throws -> String {
      func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
      while offset < bytes.count, isBlank(bytes[offset]) { offset += 1 }
      guard offset < bytes.count, bytes[offset] == Self.quote else {
        let start = offset
        while offset < bytes.count, bytes[offset] != Self.comma, bytes[offset] != Self.end { offset += 1 }
        var text = bytes[start..<offset]
        while let last = text.last, isBlank(last) || last == UInt8(ascii: "\r") { text.removeLast() }
        return String(decoding: text, as: UTF8.self)
      }
      let first = line
      var text: [UInt8] = []
      offset += 1
      while true {
        guard offset < bytes.count else {
          throw StructuredError("a quoted field does not end", at: "\(path), line \(first)", expected: "a quote")
        }
        let byte = bytes[offset]
        offset += 1
        if byte == Self.end { line += 1 }
        if byte != Self.quote {
          text.append(byte)
        } else if offset < bytes.count, bytes[offset] == Self.quote {
          text.append(byte)
          offset += 1
        } else {
          break
        }
      }
      while offset < bytes.count, isBlank(bytes[offset]) || bytes[offset] == UInt8(ascii: "\r") { offset += 1 }
      guard offset == bytes.count || bytes[offset] == Self.comma || bytes[offset] == Self.end else {
        throw StructuredError(
          "something follows a quoted field", at: "\(path), line \(line)", expected: "a comma or the end of the line")
      }
      return String(decoding: text, as: UTF8.self)
    }
  }
}
