import FileFormats
import Testing

@Suite struct ChecksumTests {
  @Test("CRC-32 has its check value") func checkValue() {
    #expect(Checksum.crc32(Array("123456789".utf8)) == 0xcbf4_3926)
    #expect(Checksum.crc32([]) == 0)
  }

  @Test("CRC-32C has its check value") func castagnoli() {
    #expect(Checksum.crc32c(Array("123456789".utf8)) == 0xe306_9283)
    #expect(Checksum.crc32c([]) == 0)
  }

  @Test("A checksum can be computed in parts") func continued() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let inParts = bytes.withUnsafeBytes { all in
      Checksum.crc32(
        UnsafeRawBufferPointer(rebasing: all[300...]),
        continuing: Checksum.crc32(UnsafeRawBufferPointer(rebasing: all[..<300])))
    }
    #expect(inParts == Checksum.crc32(bytes))
  }
}
