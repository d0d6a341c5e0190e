import Diagnostics
import Foundation
import TensorCore

/// An NPZ file opened for reading: a zip archive of NumPy arrays, deflated or not.
///
/// Arrays of numbers and of text are read. Arrays of Python objects contain pickled code: they are listed and never
/// read.
public final class NPZFile: ArrayFile {
  /// The file's path, as given.
  public let path: String
  private let archive: ZipArchive

  /// Opens a file.
  ///
  /// - Throws: `StructuredError` if there is no such file, it is not a zip archive, or is damaged.
  public init(reading path: String) throws {
    guard try FileProbe.format(of: path) == .npz else {
      throw StructuredError("this is not an NPZ file", at: path, expected: "a zip archive of NumPy arrays")
    }
    self.path = path
    archive = try ZipArchive(reading: path)
  }

  /// The names of all arrays, without `.npy`, sorted.
  public func arrayPaths() -> [String] {
    archive.entries.filter { $0.name.hasSuffix(".npy") }.map { String($0.name.dropLast(4)) }.sorted()
  }

  /// Describes an array.
  ///
  /// - Throws: `StructuredError` when there is no such array (it lists those that there are), or its header is not
  ///   one of a NumPy array.
  public func information(_ name: String) throws -> ArrayInformation {
    let (entry, header, _) = try open(name)
    return ArrayInformation(
      shape: header.shape, type: header.type, chunkShape: nil, storedBytes: entry.storedSize,
      filters: entry.isDeflated ? ["deflate"] : [])
  }

  /// An array of texts stands for an attribute of the file; arrays have no attributes.
  public func strings(ofAttribute name: String, of object: String) -> [String]? {
    object == "/" ? (try? texts(name))?.texts : nil
  }

  /// Calls `body` with consecutive runs of rows of an array `[N, …]`, converted to `Element`. A member is one stream,
  /// which a single thread inflates.
  public func forEachSlab<Element: ArrayElement>(
    of name: String, as type: Element.Type, rows: Int, on device: Device?,
    _ body: (_ rows: Range<Int>, _ elements: UnsafeMutableBufferPointer<Element>) throws -> Void
  ) throws {
    let (_, header, reader) = try openNumbers(name, as: type)
    precondition(!header.shape.isEmpty && rows > 0, "only an array with rows has slabs")
    // An array without elements may declare any number of rows.
    guard !header.shape.contains(0) else { return }
    let rowSize = header.shape.dropFirst().reduce(1, *), step = min(rows, header.shape[0])
    let buffer = UnsafeMutableBufferPointer<Element>.allocate(capacity: step * rowSize)
    defer { buffer.deallocate() }
    for start in stride(from: 0, to: header.shape[0], by: step) {
      let range = start..<min(start + step, header.shape[0])
      let slab = UnsafeMutableBufferPointer(rebasing: buffer[..<(range.count * rowSize)])
      try fill(slab, from: reader, header)
      try body(range, slab)
    }
  }

  /// Reads a whole array, converted to `Element`.
  public func read<Element: ArrayElement>(
    _ name: String, as type: Element.Type = Element.self
  ) throws -> (values: [Element], shape: [Int]) {
    let (_, header, reader) = try openNumbers(name, as: type)
    var values = [Element](repeating: .zero, count: header.shape.reduce(1, *))
    try values.withUnsafeMutableBufferPointer { try fill($0, from: reader, header) }
    return (values, header.shape)
  }

  /// The rows of an array of bytes that is not deflated, to be read at random.
  public func rows(of name: String) throws -> ArrayRows? {
    let (_, header, reader) = try open(name)
    guard header.type == UInt8.elementType, !header.isFortranOrder, !header.shape.contains(0),
      let count = header.shape.first, let (file, offset) = reader.storedBytes
    else { return nil }
    return ArrayRows(
      file, offset: offset, rowBytes: header.shape.dropFirst().reduce(1, *), count: count, location: location(name))
  }

  /// Reads an array of text: of bytes (`S`), or of 32-bit code points (`U`).
  public func texts(_ name: String) throws -> (texts: [String], shape: [Int]) {
    let (entry, header, reader) = try open(name)
    let isWide = header.descriptor.dropFirst().first == "U"
    guard header.type == .string, let units = Int(header.descriptor.dropFirst(2)), units >= 0 else {
      throw StructuredError("the array holds \(header.type)", at: location(name), expected: "text")
    }
    let count = header.shape.reduce(1, *)
    guard let size = checkedProduct([units, isWide ? 4 : 1]), let total = checkedProduct([count, size]),
      total == entry.size - header.length, count <= 1 << 20
    else {
      throw StructuredError(
        "the array declares shape \(header.shape) of \(header.descriptor) but has \(entry.size - header.length) bytes",
        at: location(name))
    }
    var bytes = [UInt8](repeating: 0, count: total)
    try bytes.withUnsafeMutableBytes { try reader.read(into: $0) }
    let texts = (0..<count).map { index in
      let one = bytes[index * size..<(index + 1) * size]
      guard isWide else { return HDF5Fields.text(one) }
      var text = ""
      for start in stride(from: one.startIndex, to: one.endIndex, by: 4) {
        let code = (0..<4).reduce(UInt32(0)) {
          $0 | UInt32(one[start + $1]) << (8 * UInt32(header.isBigEndian ? 3 - $1 : $1))
        }
        if code == 0 { break }
        text.unicodeScalars.append(Unicode.Scalar(code) ?? "\u{fffd}")
      }
      return text
    }
    return (texts, header.shape)
  }

  /// The archive entry and the header of an array, and a reader after the header.
  private func open(_ name: String) throws -> (ZipArchive.Entry, NPYHeader, ZipArchive.Reader) {
    guard let entry = archive.entries.first(where: { $0.name == name + ".npy" }) else { throw missing(name) }
    let reader = try archive.reader(of: entry)
    func take(_ count: Int) throws -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: count)
      try bytes.withUnsafeMutableBytes { try reader.read(into: $0) }
      return bytes
    }
    guard entry.size >= NPYHeader.preamble else { throw notAnArray(name) }
    let preamble = try take(NPYHeader.preamble)
    guard let length = NPYHeader.length(preamble), length <= entry.size,
      let header = NPYHeader(preamble + (try take(length - preamble.count))), let count = header.count
    else { throw notAnArray(name) }
    if header.type.isNumeric {
      let (bytes, overflow) = count.multipliedReportingOverflow(by: header.type.size)
      guard !overflow, bytes == entry.size - length else {
        throw StructuredError(
          "the array declares shape \(header.shape) of \(header.type) but has \(entry.size - length) bytes",
          at: location(name))
      }
    }
    return (entry, header, reader)
  }

  private func notAnArray(_ name: String) -> StructuredError {
    StructuredError("the entry is not a NumPy array: its header is damaged or missing", at: location(name))
  }

  /// As ``open(_:)``, for an array that converts to `Element`.
  private func openNumbers<Element: ArrayElement>(
    _ name: String, as type: Element.Type
  ) throws -> (ZipArchive.Entry, NPYHeader, ZipArchive.Reader) {
    let (entry, header, reader) = try open(name)
    if header.descriptor.dropFirst().first == "O" {
      throw StructuredError(
        "the array holds pickled Python objects, which are never loaded", at: location(name),
        expected: Element.expectation)
    }
    try requireAccepted(type, header.type, name)
    if header.isFortranOrder, header.shape.filter({ $0 > 1 }).count > 1 {
      throw StructuredError(
        "the array is stored in Fortran order", at: location(name), expected: "C order",
        action: "Save it as numpy.ascontiguousarray(array).")
    }
    return (entry, header, reader)
  }

  /// Fills a buffer with the next elements of an array.
  private func fill<Element: ArrayElement>(
    _ buffer: UnsafeMutableBufferPointer<Element>, from reader: ZipArchive.Reader, _ header: NPYHeader
  ) throws {
    if NumberDecoder.isStored(header.type, bigEndian: header.isBigEndian, as: Element.self) {
      return try reader.read(into: UnsafeMutableRawBufferPointer(buffer))
    }
    let run = 65_536, size = header.type.size
    var bytes = [UInt8](repeating: 0, count: min(run, max(1, buffer.count)) * size)
    for start in stride(from: 0, to: buffer.count, by: run) {
      let part = UnsafeMutableBufferPointer(rebasing: buffer[start..<min(start + run, buffer.count)])
      try bytes.withUnsafeMutableBytes { raw in
        let used = UnsafeMutableRawBufferPointer(rebasing: raw[..<(part.count * size)])
        try reader.read(into: used)
        NumberDecoder.decode(UnsafeRawBufferPointer(used), header.type, bigEndian: header.isBigEndian, into: part)
      }
    }
  }
}
