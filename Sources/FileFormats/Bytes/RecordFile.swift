import Diagnostics
import Foundation

/// TensorFlow's record files ("TFRecord"): a sequence of records, each with its length and two checksums.
///
///     length: 8 bytes, little-endian · masked CRC-32C of the length · the record · masked CRC-32C of the record
///
/// https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
public enum RecordFile {
  /// A record with its length and checksums, as in a file.
  public static func framed(_ record: [UInt8]) -> [UInt8] {
    let length = littleEndian(UInt64(record.count))
    return length + littleEndian(maskedChecksum(length)) + record + littleEndian(maskedChecksum(record))
  }

  /// The records in the bytes of a file; an incomplete last record, as after a kill, is skipped.
  ///
  /// - Returns: each record, and the offset at which its frame ends.
  /// - Throws: `StructuredError` if a checksum is wrong.
  public static func records(in bytes: [UInt8], location: String) throws -> [(record: ArraySlice<UInt8>, end: Int)] {
    var records: [(ArraySlice<UInt8>, Int)] = [], start = 0
    while bytes.count - start >= 12 {
      let length = bytes[start..<start + 8]
      guard maskedChecksum(length) == number(bytes[start + 8..<start + 12]) else {
        throw damaged(at: start, of: location)
      }
      let count = number(length)
      guard count <= UInt64(bytes.count) - UInt64(start) - 12, bytes.count - start - 12 - Int(count) >= 4 else { break }
      let record = bytes[start + 12..<start + 12 + Int(count)], end = record.endIndex + 4
      guard maskedChecksum(record) == number(bytes[record.endIndex..<end]) else {
        throw damaged(at: start, of: location)
      }
      records.append((record, end))
      start = end
    }
    return records
  }

  /// The masked CRC-32C; the CRC of bytes that contain their own CRC would be weak.
  private static func maskedChecksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let checksum = Checksum.crc32c(bytes)
    return (checksum >> 15 | checksum << 17) &+ 0xa282_ead8
  }

  private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static func damaged(at start: Int, of location: String) -> StructuredError {
    StructuredError(
      "the record at byte \(start) is damaged: its checksum is wrong", at: location,
      action: "Move the file away; what it held cannot be trusted.")
  }
}
