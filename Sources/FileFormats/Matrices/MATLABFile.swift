import Diagnostics

/// A file in MATLAB's format of level 5 ("MAT-File Format", MathWorks), little-endian, of which arrays of bytes are read.
///
/// After a header of 128 bytes follow elements: a type, a size and contents. An array is an element of type 14, or one of
/// type 15, whose contents are a zlib stream of such an element. Its contents are elements again: flags with the class, the
/// extents, the name, and the values in column-major order.
public struct MATLABFile {
  private let bytes: [UInt8]
  private let location: String

  private enum Kind {
    static let int8 = 1, uint8 = 2, int32 = 5, uint32 = 6, matrix = 14, compressed = 15
  }

  /// Takes the bytes of a file.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - location: where they come from, for errors.
  /// - Throws: `StructuredError` if the header is not one of this format.
  public init(_ bytes: [UInt8], location: String) throws {
    guard bytes.count >= 128 else {
      throw StructuredError(
        "the file has \(bytes.count) bytes", at: location, expected: "a MATLAB file, whose header has 128")
    }
    switch (bytes[126], bytes[127]) {
    case (UInt8(ascii: "I"), UInt8(ascii: "M")): break
    case (UInt8(ascii: "M"), UInt8(ascii: "I")):
      throw StructuredError("the MATLAB file is big-endian", at: location, expected: "a little-endian one")
    default: throw StructuredError("this is not a MATLAB file", at: location, expected: "one of level 5")
    }
    guard bytes[124] == 0, bytes[125] == 1 else {
      throw StructuredError(
        "the MATLAB file is of version \(Int(bytes[125]) << 8 | Int(bytes[124]))", at: location,
        expected: "256, which `save -v6` and `save -v7` write")
    }
    (self.bytes, self.location) = (bytes, location)
  }

  /// The values of an array of unsigned bytes, the first index fastest.
  ///
  /// - Parameters:
  ///   - name: the array.
  ///   - shape: its extents.
  /// - Throws: `StructuredError` if there is no such array, it is of another type or other extents, or the file is damaged.
  public func bytes(_ name: String, shape: [Int]) throws -> [UInt8] {
    var found: [UInt8]?, names: [String] = [], offset = 128
    while offset < bytes.count {
      guard bytes.count - offset >= 8 else { throw damaged("ends within the tag of an element") }
      let kind = word(offset), size = word(offset + 4), start = offset + 8
      guard size <= bytes.count - start else {
        throw damaged("ends after \(bytes.count) bytes, within an element of \(size)")
      }
      let reader: MATLABElement
      switch kind {
      case Kind.matrix: reader = MATLABElement(bytes[start..<start + size], size: size)
      case Kind.compressed:
        guard let stream = MATLABElement(inflating: bytes[start..<start + size]),
          let tag = stream.take(8), Self.word(tag, 0) == Kind.matrix
        else { throw damaged("has a compressed element that is no array") }
        stream.remaining = Self.word(tag, 4)
        reader = stream
      default: throw damaged("has an element of type \(kind), which is no array")
      }
      if let array = try array(in: reader) {
        names.append(array.name)
        if array.name == name, found == nil { found = try values(of: array, in: reader, shape: shape) }
      }
      offset = start + size
    }
    guard let found else {
      throw StructuredError(
        "there is no array \"\(name)\" in the file", at: location,
        action: names.isEmpty
          ? "The file holds no arrays." : "The file holds: \(names.prefix(20).joined(separator: ", ")).")
    }
    return found
  }

  private struct Head {
    let name: String
    let kind: Int
    let isComplex: Bool
    let shape: [Int]
  }

  /// The classes of numeric arrays, from 6.
  private static let classes = [
    "double", "single", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
  ]
  private static let uint8 = 9, opaque = 17

  /// The head of an array; nil for one that is laid out otherwise.
  private func array(in reader: MATLABElement) throws -> Head? {
    guard let flags = reader.element(atMost: 8), flags.kind == Kind.uint32, flags.bytes.count == 8 else {
      throw damaged("has an array without flags")
    }
    let kind = Int(flags.bytes[0])
    guard kind != Self.opaque else { return nil }
    guard let extents = reader.element(atMost: 4 * 32), extents.kind == Kind.int32, extents.bytes.count % 4 == 0,
      let name = reader.element(atMost: 256), name.kind == Kind.int8
    else { throw damaged("has an array without extents and name") }
    return Head(
      name: String(decoding: name.bytes, as: UTF8.self), kind: kind, isComplex: flags.bytes[1] & 8 != 0,
      shape: stride(from: 0, to: extents.bytes.count, by: 4).map {
        Int(Int32(truncatingIfNeeded: Self.word(extents.bytes, $0)))
      })
  }

  private func values(of array: Head, in reader: MATLABElement, shape: [Int]) throws -> [UInt8] {
    let place = "\(location), array \"\(array.name)\""
    guard array.kind == Self.uint8, !array.isComplex else {
      let index = array.kind - 6
      let text = Self.classes.indices.contains(index) ? Self.classes[index] : "something that is no number"
      throw StructuredError(
        "the array holds \(array.isComplex ? "complex " : "")\(text)", at: place, expected: "uint8")
    }
    guard array.shape == shape else {
      throw StructuredError("the array has shape \(array.shape)", at: place, expected: "shape \(shape)")
    }
    let count = shape.reduce(1, *)
    guard let values = reader.element(atMost: count), values.kind == Kind.uint8, values.bytes.count == count else {
      throw damaged("has not the \(count) bytes of the array \"\(array.name)\"")
    }
    guard reader.isAtEnd() else { throw damaged("has a damaged array \"\(array.name)\"") }
    return values.bytes
  }

  private static func word(_ bytes: some RandomAccessCollection<UInt8>, _ offset: Int) -> Int {
    bytes.dropFirst(offset).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  private func word(_ offset: Int) -> Int { Self.word(bytes[offset..<offset + 4], 0) }

  private func damaged(_ what: String) -> StructuredError {
    StructuredError("the MATLAB file \(what)", at: location, action: "Copy or download the file again.")
  }
}

/// The contents of an array element, in order, inflated where they are compressed.
private final class MATLABElement {
  private var input: ArraySlice<UInt8>
  private let stream: InflateStream?
  /// How many bytes the element has left.
  var remaining: Int

  /// The contents of an element that is not compressed.
  init(_ bytes: ArraySlice<UInt8>, size: Int) { (input, stream, remaining) = (bytes, nil, size) }

  /// The contents of a compressed element, which begin with a tag; nil if there is not enough memory.
  init?(inflating bytes: ArraySlice<UInt8>) {
    guard let stream = InflateStream(.zlib) else { return nil }
    (input, self.stream, remaining) = (bytes, stream, 8)
  }

  /// The next bytes; nil if the element ends before, or is damaged.
  func take(_ count: Int) -> [UInt8]? {
    guard count <= remaining else { return nil }
    if count == 0 { return [] }
    remaining -= count
    guard stream != nil else {
      guard count <= input.count else { return nil }
      defer { input = input.dropFirst(count) }
      return [UInt8](input.prefix(count))
    }
    var isComplete = false
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
      let room = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      isComplete = inflate(into: room) == count
      used = isComplete ? count : 0
    }
    return isComplete ? bytes : nil
  }

  /// Whether nothing follows but what fills up eight bytes, and the checksum of a compressed element is right.
  func isAtEnd() -> Bool {
    guard remaining < 8, take(remaining) != nil else { return false }
    guard stream != nil else { return input.isEmpty }
    var byte: UInt8 = 0
    return withUnsafeMutableBytes(of: &byte) { inflate(into: $0) } == 0
  }

  /// The next element; nil if it has more than `limit` bytes, or is damaged. Small ones have their contents in the tag.
  func element(atMost limit: Int) -> (kind: Int, bytes: [UInt8])? {
    guard let tag = take(8) else { return nil }
    let words = [0, 4].map { offset in tag[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | Int($1) } }
    let small = words[0] >> 16
    if small > 0 { return small <= 4 ? (words[0] & 0xffff, [UInt8](tag[4..<4 + small])) : nil }
    guard words[1] <= limit, let bytes = take(words[1]), take(min(remaining, -words[1] & 7)) != nil else { return nil }
    return (words[0], bytes)
  }

  /// The number of bytes that could be inflated, up to the size of a buffer; −1 if the stream is damaged.
  private func inflate(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard let stream else { return -1 }
    var done = 0
    while true {
      let room = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      guard let progress = input.withUnsafeBytes({ stream.inflate($0, into: room) }) else { return -1 }
      input = input.dropFirst(progress.consumed)
      done += progress.produced
      if done == buffer.count || progress.ended { return done }
      // Neither input nor output: the stream ends early.
      if progress.consumed == 0, progress.produced == 0 { return -1 }
    }
  }
}
