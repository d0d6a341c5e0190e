import Diagnostics
import FileFormats
import Testing

@Suite struct RecordFileTests {
  @Test("Records are read in order, with the ends of their frames") func roundTrip() throws {
    let records: [[UInt8]] = [[], [1, 2, 3], (0..<1000).map { UInt8(truncatingIfNeeded: $0) }]
    let bytes = records.flatMap { RecordFile.framed($0) }
    let read = try RecordFile.records(in: bytes, location: "events")
    #expect(read.map { Array($0.record) } == records)
    #expect(read.map(\.end) == [16, 35, bytes.count])
  }

  @Test("A frame is the one that TensorFlow writes") func reference() {
    // Computed with tensorboard 2.21's masked_crc32c.
    let expected: [UInt8] = [
      11, 0, 0, 0, 0, 0, 0, 0, 134, 21, 245, 4, 100, 105, 115, 101, 110, 116, 97, 110, 103, 108, 101, 66, 92, 199, 115,
    ]
    #expect(RecordFile.framed(Array("disentangle".utf8)) == expected)
  }

  @Test("A record that is truncated at any byte is skipped", arguments: 16..<35) func truncated(length: Int) throws {
    let bytes = RecordFile.framed([]) + RecordFile.framed([1, 2, 3])
    #expect(try RecordFile.records(in: Array(bytes[..<length]), location: "events").map(\.end) == [16])
  }

  @Test("A wrong checksum is an error that names the record", arguments: [16, 25, 29, 34]) func damaged(byte: Int)
    throws
  {
    var bytes = RecordFile.framed([]) + RecordFile.framed([1, 2, 3])
    bytes[byte] ^= 0x10
    let error = #expect(throws: StructuredError.self) { try RecordFile.records(in: bytes, location: "events") }
    #expect(error?.description.hasPrefix("events: the record at byte 16 is damaged") == true)
  }

  @Test("A huge length does not trap") func hugeLength() throws {
    // A frame whose length says 2⁶³ + 1, with the right checksum of the length.
    let length: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0x80]
    let checksum = Checksum.crc32c(length), masked = (checksum >> 15 | checksum << 17) &+ 0xa282_ead8
    let bytes = length + withUnsafeBytes(of: masked.littleEndian) { Array($0) } + [1, 2, 3, 4, 5, 6]
    #expect(try RecordFile.records(in: bytes, location: "events").isEmpty)
  }
}
