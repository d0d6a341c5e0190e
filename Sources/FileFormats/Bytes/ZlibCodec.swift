import CDeflate

/// Inflates zlib streams, as HDF5 stores its chunks. One thread at a time uses one of these.
public final class ZlibDecoder {
  private let decoder: OpaquePointer

  /// Makes a decoder; nil when memory is short.
  public init?() {
    guard let decoder = libdeflate_alloc_decompressor() else { return nil }
    self.decoder = decoder
  }

  deinit { libdeflate_free_decompressor(decoder) }

  /// Inflates a stream that must fill `output` exactly; false where it does not, or is damaged.
  public func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Bool {
    let result = libdeflate_zlib_decompress(
      decoder, input.baseAddress, input.count, output.baseAddress, output.count, nil)
    return result == LIBDEFLATE_SUCCESS
  }
}

/// Deflates into zlib streams, as HDF5 stores its chunks. One thread at a time uses one of these.
public final class ZlibEncoder {
  private let encoder: OpaquePointer

  /// Makes an encoder; nil when memory is short.
  ///
  /// - Parameter level: 1 (fast) to 12 (small).
  public init?(level: Int) {
    guard let encoder = libdeflate_alloc_compressor(Int32(level)) else { return nil }
    self.encoder = encoder
  }

  deinit { libdeflate_free_compressor(encoder) }

  /// Deflates bytes.
  public func encode(_ input: UnsafeRawBufferPointer) -> [UInt8] {
    let bound = libdeflate_zlib_compress_bound(encoder, input.count)
    return [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
      count = libdeflate_zlib_compress(encoder, input.baseAddress, input.count, buffer.baseAddress, bound)
    }
  }
}
