import Diagnostics

extension HDF5File {
  /// One chunk as stored in the file.
  public struct RawChunk: Sendable {
    /// The stored bytes.
    public var bytes: [UInt8]
    /// Whether the bytes are a zlib stream; otherwise they are the elements themselves.
    public var isDeflated: Bool
  }

  /// Reads chunks of an array as stored, so that several threads can inflate them.
  ///
  /// - Parameters:
  ///   - name: a chunked array whose only filter, if any, is `deflate`.
  ///   - offsets: for each chunk the index of its first element.
  /// - Returns: the chunks; nil for chunks that were never written, whose elements are 0.
  /// - Throws: `StructuredError` if there is no such array or a chunk cannot be read.
  public func readRawChunks(_ name: String, at offsets: [[Int]]) throws -> [RawChunk?] {
    let dataset = try dataset(name)
    guard case .chunked(let table) = dataset.storage else {
      throw StructuredError("the array is not stored in chunks", at: location(name))
    }
    let isDeflated = dataset.filters.names == ["deflate"]
    return try locatingProblems(at: location(name), Self.damagedData) {
      try offsets.map { offset in
        guard let number = table.number(zip(offset, table.chunkShape).map { $0 / $1 }),
          let (bytes, mask) = try dataset.stored(number, of: table)
        else { return nil }
        return RawChunk(bytes: bytes, isDeflated: isDeflated && mask & 1 == 0)
      }
    }
  }
}
