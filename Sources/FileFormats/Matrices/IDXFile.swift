import Diagnostics

/// An array of bytes in the IDX format of MNIST (LeCun, Cortes & Burges, "The MNIST database"), compressed by gzip or not:
/// two zero bytes, the type of the elements (8 for unsigned bytes), the number of dimensions, the extents as big-endian
/// 32-bit numbers, and the elements, the last dimension fastest.
public struct IDXFile {
  /// The extents, outermost first.
  public let shape: [Int]
  private let file: SequentialFile

  /// Opens a file and reads its header.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - rank: the number of dimensions that is expected.
  /// - Throws: `StructuredError` if the file is missing or damaged, is no IDX file of unsigned bytes with so many
  ///   dimensions, or declares more bytes than it can hold.
  public init(reading path: String, rank: Int) throws {
    file = try SequentialFile(reading: path)
    let start = try file.read(4)
    guard start[0] == 0, start[1] == 0 else {
      throw StructuredError(
        "the file begins with the bytes \(start)", at: path,
        expected: "an IDX file: 0, 0, 8 and the number of dimensions")
    }
    guard start[2] == 8 else {
      throw StructuredError("the elements are of type \(start[2])", at: path, expected: "8, unsigned bytes")
    }
    guard start[3] == rank else {
      throw StructuredError("the array has \(start[3]) dimensions", at: path, expected: "\(rank)")
    }
    let extents = try file.read(4 * rank)
    shape = (0..<rank).map { axis in extents[4 * axis..<4 * axis + 4].reduce(0) { $0 << 8 | Int($1) } }
    try file.requirePlausible(shape, elementSize: 1)
  }

  /// The number of elements.
  public var count: Int { shape.reduce(1, *) }

  /// Reads the elements into memory of their size.
  ///
  /// - Throws: `StructuredError` if the file ends before, is damaged, or has more.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws {
    precondition(buffer.count == count, "room for just the elements")
    try file.read(into: buffer)
    try file.requireEnd()
  }

  /// The elements.
  ///
  /// - Throws: as ``read(into:)``.
  public func bytes() throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    try bytes.withUnsafeMutableBytes { try read(into: $0) }
    return bytes
  }
}

extension SequentialFile {
  /// Makes sure that an array of some extents can be in the file, so that a small file causes no large allocation.
  func requirePlausible(_ shape: [Int], elementSize: Int) throws {
    guard let bytes = checkedProduct(shape + [elementSize]), bytes <= capacity else {
      throw StructuredError(
        "the array declares shape \(shape), more than the file can hold", at: path,
        expected: "at most \(capacity) bytes")
    }
  }
}
