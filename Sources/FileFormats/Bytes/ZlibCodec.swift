import CDeflate

/// Inflates zlib streams, the format of HDF5's deflated chunks. Not for concurrent use.
public final class ZlibDecoder {
  private let decoder: OpaquePointer

  /// Makes a decoder; nil if there is not enough memory.
  public init?() {
    guard let decoder = libdeflate_alloc_decompressor() else { return nil }
    self.decoder = decoder
  }

  deinit { libdeflate_free_decompressor(decoder) }

  /// Inflates a stream into `output`; returns false if the stream is damaged or does not fill `output` exactly.
  public func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Bool {
    let result = libdeflate_zlib_decompress(
      decoder, input.baseAddress, input.count, output.baseAddress, output.count, nil)
    return result == LIBDEFLATE_SUCCESS
  }
}

/// Deflates into zlib streams, the format of HDF5's deflated chunks. Not for concurrent use.
public final class ZlibEncoder {
  private let encoder: OpaquePointer

  /// Makes an encoder; nil if there is not enough memory.
  ///
  /// - Parameter level: the compression level, from 1 (fastest) to 12 (smallest).
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
