import Diagnostics
import Foundation
import TensorCore

/// The header of a safetensors file: eight bytes of length and the JSON description of the tensors.
struct SafetensorsHeader {
  /// The tensors, in the order of their bytes.
  var entries: [Safetensors.Entry] = []
  /// The free text (`__metadata__`).
  var metadata: [String: String] = [:]
  /// The number of bytes before the first tensor.
  var length: Int

  /// The format's limit on the length of the JSON, in bytes.
  private static let longest = 100_000_000

  private struct Tensor: Codable {
    var dtype: String
    var shape: [Int]
    var data_offsets: [Int]
  }

  private struct Key: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  private struct Content: Codable {
    var tensors: [(name: String, tensor: Tensor)] = []
    var metadata: [String: String] = [:]

    init(tensors: [(name: String, tensor: Tensor)], metadata: [String: String]) {
      (self.tensors, self.metadata) = (tensors, metadata)
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Key.self)
      for key in container.allKeys {
        if key.stringValue == "__metadata__" {
          metadata = try container.decode([String: String].self, forKey: key)
        } else {
          tensors.append((key.stringValue, try container.decode(Tensor.self, forKey: key)))
        }
      }
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      if !metadata.isEmpty { try container.encode(metadata, forKey: Key(stringValue: "__metadata__")) }
      for (name, tensor) in tensors { try container.encode(tensor, forKey: Key(stringValue: name)) }
    }
  }

  /// Reads and checks the header of a whole file.
  init(_ data: Data, path: String) throws {
    guard data.count >= 8 else {
      throw StructuredError("the file is truncated: it has \(data.count) bytes", at: path, expected: "at least 8")
    }
    let declared = data.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
    guard declared <= UInt64(Self.longest) else {
      throw StructuredError(
        "this is not a safetensors file: it declares a header of \(declared) bytes", at: path,
        expected: "at most \(Self.longest)")
    }
    length = 8 + Int(declared)
    guard data.count >= length else {
      throw StructuredError(
        "the file is truncated: it has \(data.count) bytes", at: path, expected: "a header of \(declared) bytes")
    }
    let content: Content
    do {
      content = try JSONDecoder().decode(Content.self, from: data[data.startIndex + 8..<data.startIndex + length])
    } catch {
      throw StructuredError("the safetensors header is invalid: \(Self.reason(error))", at: path)
    }
    metadata = content.metadata
    entries = try content.tensors.map { try Self.entry($0.name, $0.tensor, path: path) }
      .sorted { ($0.bytes.lowerBound, $0.bytes.upperBound) < ($1.bytes.lowerBound, $1.bytes.upperBound) }
    try checkLayout(available: data.count - length, path: path)
  }

  /// The header of a file of contiguous tensors of 32-bit floats.
  static func encoded(_ tensors: [(name: String, shape: [Int])], metadata: [String: String]) throws -> Data {
    var start = 0
    let described = tensors.map { name, shape in
      let end = start + shape.reduce(4, *)
      defer { start = end }
      return (name: name, tensor: Tensor(dtype: "F32", shape: shape, data_offsets: [start, end]))
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var json = try encoder.encode(Content(tensors: described, metadata: metadata))
    // Padding with spaces aligns the tensors for readers that map the file into memory.
    json.append(contentsOf: repeatElement(0x20, count: (8 - json.count % 8) % 8))
    return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) } + json
  }

  private static func entry(_ name: String, _ tensor: Tensor, path: String) throws -> Safetensors.Entry {
    let location = "\(path), tensor \"\(name)\""
    guard let type = Safetensors.ElementType(rawValue: tensor.dtype) else {
      let known = Safetensors.ElementType.allCases.map(\.rawValue).joined(separator: ", ")
      throw StructuredError("the tensor has the unknown type \"\(tensor.dtype)\"", at: location, expected: known)
    }
    guard tensor.data_offsets.count == 2, let start = tensor.data_offsets.first, let end = tensor.data_offsets.last,
      start >= 0, end >= start
    else {
      throw StructuredError(
        "the tensor's offsets are \(tensor.data_offsets)", at: location, expected: "a start and an end after it")
    }
    var size = type.size
    for extent in tensor.shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflow else {
        throw StructuredError("the tensor has the impossible shape \(tensor.shape)", at: location)
      }
      size = product
    }
    guard size == end - start else {
      throw StructuredError(
        "the tensor of shape \(tensor.shape) takes \(end - start) bytes", at: location, expected: "\(size)")
    }
    return Safetensors.Entry(name: name, type: type, shape: tensor.shape, bytes: start..<end)
  }

  private func checkLayout(available: Int, path: String) throws {
    var end = 0
    for entry in entries {
      guard entry.bytes.lowerBound == end else {
        throw StructuredError(
          entry.bytes.lowerBound < end ? "the tensor overlaps the previous one" : "there is a gap before the tensor",
          at: "\(path), tensor \"\(entry.name)\"", expected: "its bytes to begin at \(end)")
      }
      end = entry.bytes.upperBound
    }
    guard end == available else {
      throw StructuredError(
        end > available ? "the file is truncated" : "the file has extra bytes after its last tensor", at: path,
        expected: "\(length + end) bytes, not \(length + available)")
    }
  }

  private static func reason(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return error.localizedDescription }
    let context: DecodingError.Context
    switch error {
    case .dataCorrupted(let found), .keyNotFound(_, let found), .typeMismatch(_, let found),
      .valueNotFound(_, let found):
      context = found
    @unknown default: return "\(error)"
    }
    let place = context.codingPath.map(\.stringValue).joined(separator: ".")
    return (place.isEmpty ? "" : "\(place): ") + context.debugDescription
  }
}
