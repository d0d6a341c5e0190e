import Diagnostics
import TensorCore

/// A file of one NumPy array, as `numpy.save` writes it. As a file of arrays it has one, whose name is empty.
///
/// Arrays of numbers in C order are read; arrays of Python objects contain pickled code and never are.
public final class NPYFile: ArrayFile {
  /// The file's path, as given.
  public var path: String { file.path }
  /// The extents, outermost first.
  public var shape: [Int] { header.shape }
  private let file: FileBytes
  private let header: NPYHeader

  /// The name of the array, as a file of arrays has it.
  public static let array = ""

  /// Opens a file and reads its header.
  ///
  /// - Throws: `StructuredError` if the file is missing, is no NumPy array of numbers, or has another size than it declares.
  public init(reading path: String) throws {
    file = try FileBytes(reading: path)
    guard let preamble = file.bytes(at: 0, NPYHeader.preamble), let length = NPYHeader.length(preamble),
      let bytes = file.bytes(at: 0, length), let header = NPYHeader(bytes), let count = header.count
    else { throw StructuredError("this is not a NumPy array", at: path, expected: "a file that numpy.save wrote") }
    if header.descriptor.dropFirst().first == "O" {
      throw StructuredError(
        "the array holds pickled Python objects, which are never loaded", at: path, expected: "numbers")
    }
    guard header.type.isNumeric else {
      throw StructuredError("the array holds \(header.type)", at: path, expected: "numbers")
    }
    guard !header.isFortranOrder || header.shape.filter({ $0 > 1 }).count < 2 else {
      throw StructuredError(
        "the array is stored in Fortran order", at: path, expected: "C order",
        action: "Save it as numpy.ascontiguousarray(array).")
    }
    guard checkedProduct([count, header.type.size]) == file.count - length else {
      throw StructuredError(
        "the array declares shape \(header.shape) of \(header.type) but has \(file.count - length) bytes", at: path)
    }
    self.header = header
  }

  /// The one array.
  public func arrayPaths() -> [String] { [Self.array] }

  /// Describes the array.
  ///
  /// - Throws: `StructuredError` if the name is not ``array``.
  public func information(_ name: String) throws -> ArrayInformation {
    guard name == Self.array else { throw missing(name) }
    return ArrayInformation(
      shape: shape, type: header.type, chunkShape: nil, storedBytes: file.count - header.length, filters: [])
  }

  /// There is never text.
  public func texts(_ name: String) throws -> (texts: [String], shape: [Int]) {
    throw StructuredError("the array holds \(header.type)", at: path, expected: "text")
  }

  /// The format has no attributes.
  public func strings(ofAttribute name: String, of object: String) -> [String]? { nil }

  /// Calls `body` with consecutive runs of rows of the array, converted to `Element`.
  public func forEachSlab<Element: ArrayElement>(
    of name: String, as type: Element.Type, rows: Int, on device: Device?,
    _ body: (_ rows: Range<Int>, _ elements: UnsafeMutableBufferPointer<Element>) throws -> Void
  ) throws {
    let about = try information(name)
    try requireAccepted(type, about.type, name)
    precondition(!shape.isEmpty && rows > 0, "only an array with rows has slabs")
    guard !shape.contains(0) else { return }
    let width = shape.dropFirst().reduce(1, *), step = min(rows, shape[0])
    var values = [Element](repeating: .zero, count: step * width)
    for start in stride(from: 0, to: shape[0], by: step) {
      let range = start..<min(start + step, shape[0])
      guard
        let bytes = file.bytes(
          at: header.length + start * width * about.type.size, range.count * width * about.type.size)
      else { throw StructuredError("the file cannot be read", at: path) }
      try values.withUnsafeMutableBufferPointer { values in
        let slab = UnsafeMutableBufferPointer(rebasing: values[..<(range.count * width)])
        bytes.withUnsafeBytes { NumberDecoder.decode($0, about.type, bigEndian: header.isBigEndian, into: slab) }
        try body(range, slab)
      }
    }
  }

  /// The rows of an array of bytes, to be read at random.
  public func rows(of name: String) throws -> ArrayRows? {
    let about = try information(name)
    guard about.type == UInt8.elementType, let count = shape.first, !shape.contains(0) else { return nil }
    return ArrayRows(
      file, offset: header.length, rowBytes: shape.dropFirst().reduce(1, *), count: count, location: path)
  }

  /// Reads the whole array, converted to `Element`.
  public func read<Element: ArrayElement>(
    _ name: String = NPYFile.array, as type: Element.Type = Element.self
  ) throws -> (values: [Element], shape: [Int]) {
    guard !shape.isEmpty else { throw StructuredError("the array is a single number", at: path, expected: "rows") }
    var all: [Element] = []
    all.reserveCapacity(shape.reduce(1, *))
    try forEachSlab(of: name, as: type, rows: shape[0]) { _, values in all += values }
    return (all, shape)
  }
}
