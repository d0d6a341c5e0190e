import Diagnostics
import TensorCore

/// A file of named arrays: HDF5 or NPZ.
public protocol ArrayFile: Sendable {
  /// The file's path, as given.
  var path: String { get }
  /// The names of all arrays, sorted.
  func arrayPaths() throws -> [String]
  /// Describes an array.
  ///
  /// - Throws: `StructuredError` if there is no such array; it lists the arrays of the file.
  func information(_ name: String) throws -> ArrayInformation
  /// Reads an array of text.
  ///
  /// - Throws: `StructuredError` if there is no such array, it holds no text, or is damaged.
  func texts(_ name: String) throws -> (texts: [String], shape: [Int])
  /// The texts of an attribute of an array, or of the file (`/`); nil if there is none. In NPZ, which has no attributes,
  /// an array of texts stands for an attribute of the file.
  func strings(ofAttribute name: String, of object: String) -> [String]?
  /// Calls `body` with consecutive runs of rows of an array `[N, …]`, converted to `Element`; only one run is in
  /// memory. For an array without elements `body` is not called, however many rows the array declares.
  ///
  /// - Parameters:
  ///   - name: the array.
  ///   - type: what its numbers become.
  ///   - rows: how many rows a run has at most, at least 1.
  ///   - device: inflates chunks on its threads, where there are chunks; nil for the calling thread alone.
  ///   - body: is given each run.
  /// - Precondition: the array has at least one axis.
  /// - Throws: `StructuredError` if there is no such array, its type does not convert (see
  ///   ``ArrayElement/accepts(_:)``) or its data are damaged; and any error of `body`.
  func forEachSlab<Element: ArrayElement>(
    of name: String, as type: Element.Type, rows: Int, on device: Device?,
    _ body: (_ rows: Range<Int>, _ elements: UnsafeMutableBufferPointer<Element>) throws -> Void) throws
  /// Reads a whole array, converted to `Element`.
  ///
  /// - Throws: as ``forEachSlab(of:as:rows:on:_:)``.
  func read<Element: ArrayElement>(_ name: String, as type: Element.Type) throws -> (values: [Element], shape: [Int])
  /// The rows of an array `[N, …]` of bytes, to be read at random; nil where it holds other elements, or is stored so that
  /// single rows cannot be read for themselves.
  ///
  /// - Throws: `StructuredError` if there is no such array or its header is damaged.
  func rows(of name: String) throws -> ArrayRows?
}

extension ArrayFile {
  /// As ``forEachSlab(of:as:rows:on:_:)``, on the calling thread.
  public func forEachSlab<Element: ArrayElement>(
    of name: String, as type: Element.Type, rows: Int,
    _ body: (_ rows: Range<Int>, _ elements: UnsafeMutableBufferPointer<Element>) throws -> Void
  ) throws { try forEachSlab(of: name, as: type, rows: rows, on: nil, body) }
}

/// The description of an array in a file.
public struct ArrayInformation: Sendable, Equatable {
  /// The extents, outermost first; empty for a scalar.
  public var shape: [Int]
  /// The type of the elements.
  public var type: ArrayElementType
  /// The extents of the array's chunks; nil if the array is not stored in chunks.
  public var chunkShape: [Int]?
  /// The number of bytes that the elements take in the file.
  public var storedBytes: Int
  /// The names of the filters that were applied when the elements were written, such as `deflate`.
  public var filters: [String]

  /// The number of elements.
  public var count: Int { shape.reduce(1, *) }

  /// Type, extents, chunks and filters in one line: "uint8 [100, 64, 64], chunks (10, 64, 64), deflate".
  public var summary: String {
    func list(_ extents: [Int]) -> String { extents.map(String.init).joined(separator: ", ") }
    var text = "\(type) [\(list(shape))]"
    if let chunks = chunkShape { text += ", chunks (\(list(chunks)))" }
    if !filters.isEmpty { text += ", " + filters.joined(separator: " and ") }
    return text + (type.isNumeric ? "" : ", not numbers: skipped")
  }
}

extension ArrayFile {
  /// The location of an error about an array; one without a name is the file.
  package func location(_ array: String) -> String { array.isEmpty ? path : "\(path), array \"\(array)\"" }

  /// Throws if an array does not convert to `Element`.
  func requireAccepted<Element: ArrayElement>(_ type: Element.Type, _ stored: ArrayElementType, _ name: String) throws {
    guard Element.accepts(stored) else {
      throw StructuredError("the array holds \(stored)", at: location(name), expected: Element.expectation)
    }
  }

  /// The error for a missing array.
  func missing(_ name: String) -> StructuredError {
    let present = (try? arrayPaths()) ?? []
    let list = present.prefix(20).joined(separator: ", ") + (present.count > 20 ? ", …" : "")
    return StructuredError(
      "there is no array \"\(name)\" in the file", at: path,
      action: present.isEmpty ? "The file holds no arrays." : "The file holds: \(list).")
  }

  /// Throws if an array declares more elements than its stored bytes can hold, so that a small file cannot cause a
  /// large allocation: deflate compresses by a factor of at most 1032. Arrays of up to 8 MiB may be declared without
  /// being written.
  func requirePlausible(_ about: ArrayInformation, elementSize: Int, _ name: String) throws {
    let bytes = about.count * elementSize
    guard bytes <= 1 << 23 || bytes / 1032 <= about.storedBytes else {
      throw StructuredError(
        "the array declares \(about.count) elements but the file spends only \(about.storedBytes) bytes on them",
        at: location(name))
    }
  }
}

/// Opens a file of arrays; its first bytes determine the format, HDF5 or NPZ.
///
/// - Throws: `StructuredError` if the file is missing, unreadable, damaged or of another format.
public func openArrayFile(_ path: String) throws -> any ArrayFile {
  switch try FileProbe.format(of: path) {
  case .hdf5: return try HDF5File(reading: path)
  case .npz: return try NPZFile(reading: path)
  case .unknown:
    throw StructuredError("this is neither an HDF5 nor an NPZ file", at: path)
  }
}
