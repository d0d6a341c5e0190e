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

  /// The CRC-32C of bytes (Castagnoli's polynomial, that of iSCSI and of TensorFlow's record files).
  public static func crc32c(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { crc, byte in castagnoli[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ (crc >> 8) }
  }

  /// What each byte contributes to a CRC-32C, the lowest bit first.
  private static let castagnoli: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? (crc >> 1) ^ 0x82f6_3b78 : crc >> 1 }
  }
}
