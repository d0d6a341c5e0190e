/// The fields of one block of an HDF5 file, read in order; all structures are little-endian.
///
/// Every field is checked to lie in the block, and every number to be small enough that the sum of two does not
/// overflow.
struct HDF5Fields: Sendable {
  /// The block.
  private(set) var bytes: ArraySlice<UInt8>
  /// The name of the block, for messages.
  var what: String
  /// The number of bytes of an address and of a length in this file.
  let offsetSize: Int, lengthSize: Int

  /// The largest valid length or address.
  static let largest = 1 << 61

  init(_ bytes: ArraySlice<UInt8>, _ what: String, offsetSize: Int, lengthSize: Int) {
    (self.bytes, self.what) = (bytes, what)
    (self.offsetSize, self.lengthSize) = (offsetSize, lengthSize)
  }

  /// The number of bytes not read yet.
  var count: Int { bytes.count }

  /// The error of an invalid block.
  func damaged(_ how: String = "is damaged") -> HDF5Problem { .damaged("\(what) \(how)") }

  /// The next bytes.
  mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
    guard count >= 0, count <= bytes.count else { throw damaged("ends too early") }
    defer { bytes = bytes.dropFirst(count) }
    return bytes.prefix(count)
  }

  /// The next bytes as a block.
  mutating func fields(_ count: Int, _ what: String? = nil) throws -> HDF5Fields {
    HDF5Fields(try take(count), what ?? self.what, offsetSize: offsetSize, lengthSize: lengthSize)
  }

  /// Skips bytes.
  mutating func skip(_ count: Int) throws { _ = try take(count) }

  /// The next `size` bytes, from 0 to 8, as an unsigned number of any value.
  mutating func bits(_ size: Int) throws -> UInt64 {
    guard size <= 8 else { throw damaged() }
    var number: UInt64 = 0, shift: UInt64 = 0
    for byte in try take(size) {
      number |= UInt64(byte) << shift
      shift += 8
    }
    return number
  }

  /// The next byte.
  mutating func byte() throws -> Int { Int(try bits(1)) }

  /// The next `size` bytes as a number up to ``largest``.
  mutating func number(_ size: Int) throws -> Int {
    guard let number = Int(exactly: try bits(size)), number <= Self.largest else {
      throw damaged("has a number that is too large")
    }
    return number
  }

  /// A length.
  mutating func length() throws -> Int { try number(lengthSize) }

  /// A length, or nil for the undefined length, all ones.
  mutating func optionalLength() throws -> Int? { try optional(lengthSize) }

  /// An address, or nil for the undefined address, all ones.
  mutating func address() throws -> Int? { try optional(offsetSize) }

  /// An address that must be defined.
  mutating func requiredAddress() throws -> Int {
    guard let address = try address() else { throw damaged("lacks an address") }
    return address
  }

  private mutating func optional(_ size: Int) throws -> Int? {
    let number = try bits(size)
    if number == (size == 8 ? .max : (1 << UInt64(8 * size)) - 1) { return nil }
    guard let number = Int(exactly: number), number <= Self.largest else {
      throw damaged("has a number that is too large")
    }
    return number
  }

  /// Throws if the block does not begin with a signature.
  mutating func expect(_ signature: String) throws {
    guard try take(signature.utf8.count).elementsEqual(signature.utf8) else {
      throw damaged("does not begin with \(signature)")
    }
  }

  /// The next byte, a version or a kind; throws if it is not one of those that are known.
  mutating func expect(_ known: ClosedRange<Int>, _ name: String = "version") throws -> Int {
    let value = try byte()
    guard known.contains(value) else { throw damaged("has the unknown \(name) \(value)") }
    return value
  }

  /// Text up to a zero byte or the end.
  static func text(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: Array(bytes.prefix { $0 != 0 }), as: UTF8.self)
  }
}
