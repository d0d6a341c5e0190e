import CZlib

/// Inflates a deflate stream, with the checksum of its container, in pieces, in bounded memory.
final class InflateStream {
  /// What is around the deflate stream. The values are the window bits by which zlib knows it.
  enum Container: Int32 {
    /// Nothing, as in zip archives.
    case none = -15
    /// The header and the checksum of zlib (RFC 1950).
    case zlib = 15
    /// The header and the trailer of gzip (RFC 1952).
    case gzip = 31
  }

  private let stream: UnsafeMutablePointer<z_stream>

  /// Makes a stream; nil if there is not enough memory.
  init?(_ container: Container = .none) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard czlib_inflate_init(stream, container.rawValue) == Z_OK else {
      stream.deallocate()
      return nil
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// The result of one call.
  struct Progress {
    /// Bytes taken from the input.
    var consumed: Int
    /// Bytes put into the output.
    var produced: Int
    /// Whether the deflate stream has ended.
    var ended: Bool
  }

  /// Inflates as much as the input and the space in the output allow; nil for a damaged stream.
  func inflate(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Progress? {
    let inputSize = min(input.count, 1 << 30), outputSize = min(output.count, 1 << 30)
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(inputSize)
    stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = UInt32(outputSize)
    let status = CZlib.inflate(stream, Z_NO_FLUSH)
    guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { return nil }
    return Progress(
      consumed: inputSize - Int(stream.pointee.avail_in), produced: outputSize - Int(stream.pointee.avail_out),
      ended: status == Z_STREAM_END)
  }
}
