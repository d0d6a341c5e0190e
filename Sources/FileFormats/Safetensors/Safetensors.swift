import Diagnostics
import Foundation

/// A safetensors file (https://github.com/huggingface/safetensors): a JSON header and the data of named tensors.
///
/// Everything the header claims is checked before any byte of a tensor is used: its length, the types, that offsets lie
/// in the file, do not overlap and leave no gaps, and that they fit the shapes.
public struct Safetensors: Sendable {
  /// The type of a tensor's elements.
  public enum ElementType: String, Sendable, CaseIterable {
    /// Floating-point numbers: IEEE 754 binary64, binary32 and binary16, and the upper half of binary32.
    case f64 = "F64", f32 = "F32", f16 = "F16", bf16 = "BF16"
    /// Whole numbers in two's complement.
    case i64 = "I64", i32 = "I32", i16 = "I16", i8 = "I8"
    /// Whole numbers from 0.
    case u64 = "U64", u32 = "U32", u16 = "U16", u8 = "U8"
    /// Booleans, one byte each.
    case bool = "BOOL"

    /// The number of bytes of an element.
    public var size: Int {
      switch self {
      case .f64, .i64, .u64: 8
      case .f32, .i32, .u32: 4
      case .f16, .bf16, .i16, .u16: 2
      case .i8, .u8, .bool: 1
      }
    }
  }

  /// The header's description of one tensor.
  public struct Entry: Sendable, Equatable {
    /// The name.
    public var name: String
    /// The type of the elements.
    public var type: ElementType
    /// The extents, outermost first.
    public var shape: [Int]
    /// The range of its bytes, counted from the end of the header.
    public var bytes: Range<Int>
  }

  /// The file's path.
  public let path: String
  /// The tensors, in the order of their bytes.
  public let entries: [Entry]
  /// The free text of the header (`__metadata__`).
  public let metadata: [String: String]

  private let data: Data
  private let dataStart: Int

  /// Reads a file.
  ///
  /// - Throws: `StructuredError` if the file is missing or truncated, or its header is invalid.
  public init(reading path: String) throws {
    try FileProbe.requireReadableFile(path)
    self.path = path
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw StructuredError("cannot read the file: \(error.localizedDescription)", at: path)
    }
    let header = try SafetensorsHeader(data, path: path)
    (entries, metadata, dataStart) = (header.entries, header.metadata, header.length)
  }

  /// The CRC-32 of the whole file, eight hexadecimal digits.
  public var checksum: String { Checksum.crc32Text(data) }

  /// The entry of a tensor.
  ///
  /// - Throws: `StructuredError` if there is no such tensor; it lists the tensors of the file.
  public func entry(_ name: String) throws -> Entry {
    if let entry = entries.first(where: { $0.name == name }) { return entry }
    let list = entries.prefix(20).map(\.name).joined(separator: ", ") + (entries.count > 20 ? ", …" : "")
    throw StructuredError(
      "there is no tensor \"\(name)\" in the file", at: path,
      action: entries.isEmpty ? "The file holds no tensors." : "The file holds: \(list).")
  }

  /// The elements of a tensor of floating-point numbers, as 32-bit floats.
  ///
  /// - Throws: `StructuredError` if there is no such tensor, its shape differs, or it does not hold floating-point
  ///   numbers.
  public func floats(_ name: String, shape: [Int]? = nil) throws -> [Float] {
    let entry = try entry(name, shape: shape)
    return try withBytes(of: entry) { bytes in
      switch entry.type {
      case .f32: Self.elements(bytes, of: Float.self) { $0 }
      case .f64: Self.elements(bytes, of: Double.self) { Float($0) }
      case .bf16: Self.elements(bytes, of: UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
      case .f16: Self.elements(bytes, of: UInt16.self) { Float(binary16: $0) }
      default: throw wrongType(entry, expected: "floating-point numbers")
      }
    }
  }

  /// The elements of a tensor of whole numbers or booleans.
  ///
  /// - Throws: `StructuredError` if there is no such tensor, its shape differs, or it holds floating-point or
  ///   unsigned 64-bit numbers.
  public func integers(_ name: String, shape: [Int]? = nil) throws -> [Int] {
    let entry = try entry(name, shape: shape)
    return try withBytes(of: entry) { bytes in
      switch entry.type {
      case .i64: Self.elements(bytes, of: Int64.self) { Int($0) }
      case .i32: Self.elements(bytes, of: Int32.self) { Int($0) }
      case .i16: Self.elements(bytes, of: Int16.self) { Int($0) }
      case .i8: Self.elements(bytes, of: Int8.self) { Int($0) }
      case .u32: Self.elements(bytes, of: UInt32.self) { Int($0) }
      case .u16: Self.elements(bytes, of: UInt16.self) { Int($0) }
      case .u8, .bool: Self.elements(bytes, of: UInt8.self) { Int($0) }
      default: throw wrongType(entry, expected: "whole numbers of at most 63 bits")
      }
    }
  }

  private func entry(_ name: String, shape: [Int]?) throws -> Entry {
    let entry = try entry(name)
    if let shape, shape != entry.shape {
      throw StructuredError(
        "the tensor has shape \(entry.shape)", at: "\(path), tensor \"\(name)\"", expected: "shape \(shape)")
    }
    return entry
  }

  private func wrongType(_ entry: Entry, expected: String) -> StructuredError {
    StructuredError(
      "the tensor holds \(entry.type.rawValue)", at: "\(path), tensor \"\(entry.name)\"", expected: expected)
  }

  private func withBytes<Result>(of entry: Entry, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result
  {
    try data.withUnsafeBytes { all in
      let range = dataStart + entry.bytes.lowerBound..<dataStart + entry.bytes.upperBound
      return try body(UnsafeRawBufferPointer(rebasing: all[range]))
    }
  }

  private static func elements<Stored: BitwiseCopyable, Element>(
    _ bytes: UnsafeRawBufferPointer, of type: Stored.Type, _ convert: (Stored) -> Element
  ) -> [Element] {
    let size = MemoryLayout<Stored>.size
    return (0..<bytes.count / size).map { convert(bytes.loadUnaligned(fromByteOffset: $0 * size, as: type)) }
  }
}
