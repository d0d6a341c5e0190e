import Diagnostics
import Foundation
import TensorCore

extension Safetensors {
  /// A tensor to be written: a name, extents and 32-bit floats.
  public struct Tensor: Sendable {
    /// The name.
    public var name: String
    /// The extents, outermost first.
    public var shape: [Int]
    /// The elements, the last index changing fastest.
    public var values: [Float]

    /// Makes a tensor.
    ///
    /// - Precondition: there are as many values as the shape says.
    public init(_ name: String, shape: [Int], values: [Float]) {
      precondition(values.count == shape.reduce(1, *), "tensor \(name): \(values.count) values for shape \(shape)")
      (self.name, self.shape, self.values) = (name, shape, values)
    }
  }

  /// Writes tensors of 32-bit floats and free text, whole or not at all (``AtomicFile``).
  ///
  /// - Throws: `StructuredError` when two tensors have one name or the file cannot be written.
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
  /// - Throws: `StructuredError` when two tensors have one name.
  public static func data(_ tensors: [Tensor], metadata: [String: String] = [:]) throws -> Data {
    var data = try header(of: tensors, metadata: metadata, path: nil)
    for tensor in tensors { tensor.values.withUnsafeBytes { data.append(contentsOf: $0) } }
    return data
  }

  private static func header(of tensors: [Tensor], metadata: [String: String], path: String?) throws -> Data {
    var seen: Set<String> = ["__metadata__"]
    for tensor in tensors where !seen.insert(tensor.name).inserted {
      throw StructuredError("the name \"\(tensor.name)\" is taken", at: path, expected: "tensors of different names")
    }
    return try SafetensorsHeader.encoded(tensors.map { ($0.name, $0.shape) }, metadata: metadata)
  }
}
