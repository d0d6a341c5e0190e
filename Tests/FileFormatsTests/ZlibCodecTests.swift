import FileFormats
import Testing

@Suite struct ZlibCodecTests {
  @Test("Deflated bytes are inflated, and only into a buffer of their size") func roundTrip() throws {
    let bytes = (0..<5000).map { UInt8(truncatingIfNeeded: $0 / 9) }
    let encoder = try #require(ZlibEncoder(level: 6)), decoder = try #require(ZlibDecoder())
    let stream = bytes.withUnsafeBytes { encoder.encode($0) }
    #expect(stream.count < bytes.count / 4)
    for (size, fits) in [(bytes.count, true), (bytes.count - 1, false), (bytes.count + 1, false)] {
      var output = [UInt8](repeating: 0, count: size)
      let whole = stream.withUnsafeBytes { input in output.withUnsafeMutableBytes { decoder.decode(input, into: $0) } }
      #expect(whole == fits)
      if fits { #expect(output == bytes) }
    }
  }

  @Test("Every prefix of a stream is rejected") func truncated() throws {
    let bytes = [UInt8](repeating: 3, count: 400) + (0..<100).map { UInt8($0) }
    let encoder = try #require(ZlibEncoder(level: 6)), decoder = try #require(ZlibDecoder())
    let stream = bytes.withUnsafeBytes { encoder.encode($0) }
    var output = [UInt8](repeating: 0, count: bytes.count)
    for length in stream.indices {
      let whole = stream[..<length].withUnsafeBytes { input in
        output.withUnsafeMutableBytes { decoder.decode(input, into: $0) }
      }
      #expect(!whole)
    }
  }
}
