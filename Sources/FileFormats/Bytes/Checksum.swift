import CDeflate

/// Checksums that detect damaged bytes.
public enum Checksum {
  /// The CRC-32 of bytes (the polynomial of zip, gzip and PNG), continued from that of the preceding bytes.
  public static func crc32(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0) -> UInt32 {
    guard let start = bytes.baseAddress else { return previous }
    return libdeflate_crc32(previous, start, bytes.count)
  }

  /// The CRC-32 of bytes.
  public static func crc32(_ bytes: some Collection<UInt8>) -> UInt32 {
    bytes.withContiguousStorageIfAvailable { crc32(UnsafeRawBufferPointer($0)) }
      ?? Array(bytes).withUnsafeBytes { crc32($0) }
  }

  /// The CRC-32 of bytes as eight hexadecimal digits.
  public static func crc32Text(_ bytes: some Collection<UInt8>) -> String {
    let digits = String(crc32(bytes), radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// The CRC-32C of bytes (Castagnoli's polynomial, that of iSCSI and of TensorFlow's record files).
  public static func crc32c(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { crc, byte in castagnoli[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ (crc >> 8) }
  }

  /// The table of CRC-32C by byte, for the reflected polynomial.
  private static let castagnoli: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? (crc >> 1) ^ 0x82f6_3b78 : crc >> 1 }
  }

  /// The 64-bit FNV-1a hash of bytes (Fowler, Noll and Vo): names for texts, not protection against forgery.
  public static func fnv1a64(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  /// Jenkins' lookup3 hash of bytes (`hashlittle` with initial value 0), the checksum of HDF5's metadata.
  public static func lookup3(_ bytes: some Collection<UInt8>) -> UInt32 {
    func rotated(_ x: UInt32, _ bits: UInt32) -> UInt32 { x << bits | x >> (32 - bits) }
    var a = 0xdead_beef &+ UInt32(truncatingIfNeeded: bytes.count), b = a, c = a, left = bytes.count
    var words: (UInt32, UInt32, UInt32) = (0, 0, 0), filled: UInt32 = 0
    for byte in bytes {
      let shifted = UInt32(byte) << (filled % 4 * 8)
      switch filled / 4 {
      case 0: words.0 |= shifted
      case 1: words.1 |= shifted
      default: words.2 |= shifted
      }
      filled += 1
      // The last twelve bytes or fewer have a different final mix.
      guard filled == 12, left > 12 else { continue }
      (a, b, c) = (a &+ words.0, b &+ words.1, c &+ words.2)
      (a, c) = ((a &- c) ^ rotated(c, 4), c &+ b)
      (b, a) = ((b &- a) ^ rotated(a, 6), a &+ c)
      (c, b) = ((c &- b) ^ rotated(b, 8), b &+ a)
      (a, c) = ((a &- c) ^ rotated(c, 16), c &+ b)
      (b, a) = ((b &- a) ^ rotated(a, 19), a &+ c)
      (c, b) = ((c &- b) ^ rotated(b, 4), b &+ a)
      (words, filled, left) = ((0, 0, 0), 0, left - 12)
    }
    guard left > 0 else { return c }
    (a, b, c) = (a &+ words.0, b &+ words.1, c &+ words.2)
    c = (c ^ b) &- rotated(b, 14)
    a = (a ^ c) &- rotated(c, 11)
    b = (b ^ a) &- rotated(a, 25)
    c = (c ^ b) &- rotated(b, 16)
    a = (a ^ c) &- rotated(c, 4)
    b = (b ^ a) &- rotated(a, 14)
    return (c ^ b) &- rotated(b, 24)
  }

  /// The Fletcher checksum of bytes as HDF5's filter `fletcher32` computes it: over big-endian words of 16 bits.
  static func fletcher32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var first: UInt32 = 0, second: UInt32 = 0
    for index in stride(from: 0, to: bytes.count, by: 2) {
      let low = index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0
      first += UInt32(bytes[index]) << 8 | low
      // Folding at every word keeps the sums below 2¹⁷.
      first = (first & 0xffff) + (first >> 16)
      second += first
      second = (second & 0xffff) + (second >> 16)
    }
    return second << 16 | first
  }
}
