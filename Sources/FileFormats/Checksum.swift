import CDeflate

/// Checksums that tell whether bytes are still what was written.
public enum Checksum {
  /// The CRC-32 of bytes (the polynomial of zip, gzip and PNG), continued from an earlier part.
  public static func crc32(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0) -> UInt32 {
    guard let start = bytes.baseAddress else { return previous }
    return libdeflate_crc32(previous, start, bytes.count)
  }

  /// The CRC-32 of bytes.
  public static func crc32(_ bytes: some Collection<UInt8>) -> UInt32 {
    bytes.withContiguousStorageIfAvailable { crc32(UnsafeRawBufferPointer($0)) }
      ?? Array(bytes).withUnsafeBytes { crc32($0) }
  }
}
