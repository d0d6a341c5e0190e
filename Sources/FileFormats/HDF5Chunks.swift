import CHDF5
import TensorCore

extension HDF5File {
  /// One chunk as the file holds it.
  public struct RawChunk: Sendable {
    /// The stored bytes.
    public var bytes: [UInt8]
    /// Whether the bytes are a zlib stream; otherwise they are the elements themselves.
    public var isDeflated: Bool
  }

  /// Reads chunks of an array as they are stored, so that all threads can share the work of inflating them.
  ///
  /// - Parameters:
  ///   - name: an array whose only filter, if any, is `deflate`.
  ///   - offsets: for each chunk the index of its first element.
  /// - Returns: the chunks; nil where nothing was ever written, which means zeros.
  /// - Throws: ``StructuredError`` when there is no such array or a chunk cannot be read.
  public func readRawChunks(_ name: String, at offsets: [[Int]]) throws -> [RawChunk?] {
    let deflated = try information(name).filters == ["deflate"]
    return try HDF5Library.calling {
      guard let dataset = HDF5Identifier(H5Dopen2(id, name, chdf5_default_properties()), closedBy: H5Dclose) else {
        throw Self.error("cannot open the array", path, name)
      }
      return try offsets.map { offset in
        let position = offset.map { hsize_t($0) }
        var size: hsize_t = 0
        guard H5Dget_chunk_storage_size(dataset.id, position, &size) >= 0, size < 1 << 31 else {
          if HDF5Library.reason()?.contains("not allocated") == true { return nil }
          throw Self.error("cannot read the chunk at \(offset)", path, name)
        }
        if size == 0 { return nil }
        var mask: UInt32 = 0
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
          failed = H5Dread_chunk(dataset.id, chdf5_default_properties(), position, &mask, buffer.baseAddress) < 0
          count = failed ? 0 : Int(size)
        }
        if failed { throw Self.error("cannot read the chunk at \(offset)", path, name) }
        return RawChunk(bytes: bytes, isDeflated: deflated && mask & 1 == 0)
      }
    }
  }
}
