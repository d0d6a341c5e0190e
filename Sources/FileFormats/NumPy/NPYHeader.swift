/// The header of a NumPy array file: `\x93NUMPY`, a version, a length and a Python dictionary in text.
///
///     {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }
///
/// The dictionary is read by a parser for this form only; nothing is evaluated.
struct NPYHeader: Equatable {
  /// The type of the elements.
  var type: ArrayElementType
  /// Whether numbers are stored with their most significant byte first.
  var isBigEndian: Bool
  /// Whether the first index changes fastest.
  var isFortranOrder: Bool
  /// The extents, outermost first.
  var shape: [Int]
  /// The number of bytes before the elements.
  var length: Int
  /// The type in NumPy's notation, such as `<f8`.
  var descriptor: String

  /// The number of elements; nil if it, or the number in a row of an empty array, overflows.
  var count: Int? {
    var count = 1
    for extent in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: max(1, extent))
      if overflow { return nil }
      count = product
    }
    return shape.contains(0) ? 0 : count
  }

  /// The length of the longest header that is read.
  static let longest = 65_536

  /// The number of bytes of the preamble: the magic string, the version and the length in its longer form.
  static let preamble = 12

  /// The number of bytes of the whole header, from its first ``preamble`` bytes; nil if they are not those of a header.
  static func length(_ bytes: [UInt8]) -> Int? {
    guard bytes.count == preamble, bytes.starts(with: [0x93] + Array("NUMPY".utf8)) else { return nil }
    let short = Int(bytes[8]) | Int(bytes[9]) << 8
    let length =
      switch bytes[6] {
      case 1: 10 + short
      case 2, 3: 12 + (short | Int(bytes[10]) << 16 | Int(bytes[11]) << 24)
      default: 0
      }
    return length >= preamble && length <= longest ? length : nil
  }

  /// Reads a whole header; nil if it is invalid.
  init?(_ bytes: [UInt8]) {
    guard Self.length(Array(bytes.prefix(Self.preamble))) == bytes.count else { return nil }
    var text = PythonLiteral(String(decoding: bytes[(bytes[6] == 1 ? 10 : 12)...], as: UTF8.self))
    var shape: [Int]?, order: Bool?, descriptor: String?
    guard text.take("{") else { return nil }
    while !text.take("}") {
      guard let key = text.string(), text.take(":") else { return nil }
      switch key {
      case "descr":
        // A list describes a structured type, which is not read; the list is skipped.
        descriptor = text.string() ?? text.skipList()
        if descriptor == nil { return nil }
      case "fortran_order":
        order = text.take("True") ? true : text.take("False") ? false : nil
        if order == nil { return nil }
      case "shape":
        shape = text.tuple()
        if shape == nil { return nil }
      default: return nil
      }
      if !text.take(",") {
        guard text.take("}") else { return nil }
        break
      }
    }
    guard let shape, let order, let descriptor else { return nil }
    (self.shape, isFortranOrder, self.descriptor, length) = (shape, order, descriptor, bytes.count)
    isBigEndian = descriptor.hasPrefix(">")
    type = Self.type(descriptor)
  }

  /// The bytes of a header of version 1 in C order, padded so that the elements begin at a multiple of 64, as in NumPy.
  static func encoded(_ descriptor: String, _ shape: [Int]) -> [UInt8] {
    let extents = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var text = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': (\(extents)), }"
    text += String(repeating: " ", count: 63 - (10 + text.utf8.count) % 64) + "\n"
    let length = text.utf8.count
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 255), UInt8(length >> 8)] + Array(text.utf8)
  }

  /// The type of NumPy's notation of byte order, kind and size: `<f4`, `|u1`.
  private static func type(_ descriptor: String) -> ArrayElementType {
    guard let order = descriptor.first, "<>|=".contains(order), let size = Int(descriptor.dropFirst(2)) else {
      return .other
    }
    let sizes = [1, 2, 4, 8]
    switch descriptor.dropFirst().first {
    case "u" where sizes.contains(size): return .integer(bits: size * 8, signed: false)
    case "i" where sizes.contains(size): return .integer(bits: size * 8, signed: true)
    case "f" where sizes.dropFirst().contains(size): return .floatingPoint(bits: size * 8)
    case "b" where size == 1: return .boolean
    case "U", "S": return .string
    default: return .other
    }
  }
}

/// A parser of the Python literals in array headers.
private struct PythonLiteral {
  private var rest: Substring

  init(_ text: String) { rest = text[...] }

  /// Skips white space, then consumes a token if it is next; returns whether it was.
  mutating func take(_ token: String) -> Bool {
    rest = rest.drop { $0.isWhitespace }
    guard rest.hasPrefix(token) else { return false }
    rest.removeFirst(token.count)
    return true
  }

  /// A text in single or double quotes without escapes.
  mutating func string() -> String? {
    rest = rest.drop { $0.isWhitespace }
    guard let quote = rest.first, quote == "'" || quote == "\"" else { return nil }
    let body = rest.dropFirst()
    guard let end = body.firstIndex(of: quote) else { return nil }
    rest = body[body.index(after: end)...]
    return String(body[..<end])
  }

  /// A bracketed list, as text.
  mutating func skipList() -> String? {
    rest = rest.drop { $0.isWhitespace }
    guard rest.first == "[" else { return nil }
    var depth = 0
    for index in rest.indices {
      if rest[index] == "[" { depth += 1 }
      if rest[index] == "]" { depth -= 1 }
      if depth == 0 {
        let list = String(rest[...index])
        rest = rest[rest.index(after: index)...]
        return list
      }
    }
    return nil
  }

  /// A tuple of non-negative whole numbers: `()`, `(3,)`, `(3, 4)`.
  mutating func tuple() -> [Int]? {
    guard take("(") else { return nil }
    var numbers: [Int] = []
    while !take(")") {
      rest = rest.drop { $0.isWhitespace }
      let digits = rest.prefix { ("0"..."9").contains($0) }
      guard let number = Int(digits), numbers.count < 32 else { return nil }
      rest = rest[digits.endIndex...]
      _ = take("L")
      numbers.append(number)
      if !take(",") { return take(")") ? numbers : nil }
    }
    return numbers
  }
}
