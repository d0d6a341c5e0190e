import Diagnostics
import Foundation
import TensorCore

extension Safetensors {
  /// A tensor of 32-bit floats that is to be written.
  public struct Tensor: Sendable {
    /// The name.
    public var name: String
    /// The extents, outermost first.
    public var shape: [Int]
    /// The elements, the last index changing fastest.
    public var values: [Float]

    /// Makes a tensor.
    ///
    /// - Precondition: the number of values is that of the shape.
    public init(_ name: String, shape: [Int], values: [Float]) {
      precondition(values.count == shape.reduce(1, *), "tensor \(name): \(values.count) values for shape \(shape)")
      (self.name, self.shape, self.values) = (name, shape, values)
    }
  }

  /// Writes tensors of 32-bit floats and free text atomically (``AtomicFile``).
  ///
  /// - Throws: `StructuredError` if two tensors have the same name or the file cannot be written.
  public static func write(
    _ tensors: [Tensor], metadata: [String: String] = [:], to path: String, overwrite: Bool = true
  ) throws {
    let header = try header(of: tensors, metadata: metadata, path: path)
    try AtomicFile.write(to: path, overwrite: overwrite) { output in
      try output.write(header)
      for tensor in tensors { try tensor.values.withUnsafeBytes { try output.write($0) } }
    }
  }

  /// The bytes of such a file.
  ///
  /// - Throws: `StructuredError` if two tensors have the same name.
  public static func data(_ tensors: [Tensor], metadata: [String: String] = [:]) throws -> Data {
    var data = try header(of: tensors, metadata: metadata, path: nil)
    for tensor in tensors { tensor.values.withUnsafeBytes { data.append(contentsOf: $0) } }
    return data
  }

  private static func header(of tensors: [Tensor], metadata: [String: String], path: String?) throws -> Data {
    var seen: Set<String> = ["__metadata__"]
    for tensor in tensors where !seen.insert(tensor.name).inserted {
      throw StructuredError("two tensors have the name \"\(tensor.name)\"", at: path, expected: "unique names")
    }
    return try SafetensorsHeader.encoded(tensors.map { ($0.name, $0.shape) }, metadata: metadata)
  }
}
