import Diagnostics

/// An array in the binary format of the NORB data sets (LeCun, Huang & Bottou 2004), compressed by gzip or not: a magic number
/// for the type, the number of dimensions, at least three extents (those beyond the number of dimensions are 1), and the
/// elements, the last dimension fastest. All numbers are little-endian, 32 bits each.
public final class NORBMatrix {
  /// The type of the elements.
  public enum Element: UInt32, Sendable {
    /// Unsigned bytes.
    case byte = 0x1E3D_4C55
    /// 32-bit whole numbers.
    case int32 = 0x1E3D_4C54

    var size: Int { self == .byte ? 1 : 4 }
    var name: String { self == .byte ? "unsigned bytes" : "32-bit whole numbers" }
  }

  /// The extents, outermost first.
  public let shape: [Int]
  private let file: SequentialFile

  /// Opens a file and reads its header.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - element: the type of the elements that is expected.
  ///   - rank: the number of dimensions that is expected, 1 to 4.
  /// - Throws: `StructuredError` if the file is missing or damaged, is no such matrix, or declares more than it can hold.
  public init(reading path: String, of element: Element, rank: Int) throws {
    file = try SequentialFile(reading: path)
    let magic = UInt32(bitPattern: try Self.integers(1, from: file)[0])
    guard magic == element.rawValue else {
      throw StructuredError(
        "the magic number is 0x\(String(magic, radix: 16, uppercase: true))", at: path,
        expected: "0x\(String(element.rawValue, radix: 16, uppercase: true)), \(element.name)")
    }
    let dimensions = try Self.integers(1, from: file)[0]
    guard dimensions == rank else {
      throw StructuredError("the matrix has \(dimensions) dimensions", at: path, expected: "\(rank)")
    }
    let extents = try Self.integers(max(3, rank), from: file).map { Int($0) }
    guard extents.allSatisfy({ $0 > 0 }), extents.dropFirst(rank).allSatisfy({ $0 == 1 }) else {
      throw StructuredError(
        "the matrix has extents \(extents)", at: path, expected: "positive ones, and 1 beyond the \(rank) dimensions")
    }
    shape = Array(extents.prefix(rank))
    try file.requirePlausible(shape, elementSize: element.size)
  }

  /// The next bytes of the elements.
  ///
  /// - Throws: `StructuredError` if the file ends before or is damaged.
  public func read(_ count: Int) throws -> [UInt8] { try file.read(count) }

  /// The next 32-bit whole numbers.
  ///
  /// - Throws: as ``read(_:)``.
  public func integers(_ count: Int) throws -> [Int32] { try Self.integers(count, from: file) }

  /// Makes sure that nothing follows.
  ///
  /// - Throws: `StructuredError` if something does, or the checksum is wrong.
  public func requireEnd() throws { try file.requireEnd() }

  private static func integers(_ count: Int, from file: SequentialFile) throws -> [Int32] {
    let bytes = try file.read(4 * count)
    return (0..<count).map { index in
      Int32(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[4 * index + $1]) << (8 * UInt32($1)) })
    }
  }
}
