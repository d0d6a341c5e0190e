import Diagnostics
import FileFormats
import Foundation
import TensorCore
import TestSupport
import Testing

/// PNG and JPEG files, those of the kinds that published sets do not have included.
@Suite("Image files")
struct ImageDecoderTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func decode(_ path: String, channels: Int? = nil) throws -> [UInt8] {
    var shape = try ImageHeader(reading: path).shape
    if let channels { shape.channels = channels }
    var bytes = [UInt8](repeating: 0x77, count: shape.count)
    try ImageDecoder().decode(path, shape: shape, into: &bytes)
    return bytes
  }

  /// A PNG file of rows of samples, filter bytes excluded.
  private func png(
    _ width: Int, _ height: Int, depth: Int, type: Int, _ rows: [[UInt8]], chunks: [(String, [UInt8])] = [],
    interlaced: Bool = false
  ) throws -> String {
    func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
    func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
      let body = Array(name.utf8) + data
      return word(data.count) + body + word(Int(Checksum.crc32(body)))
    }
    let header = word(width) + word(height) + [UInt8(depth), UInt8(type), 0, 0, interlaced ? 1 : 0]
    let encoder = try #require(ZlibEncoder(level: 6)), data = rows.flatMap { row -> [UInt8] in [0] + row }
    let bytes =
      [0x89] + Array("PNG\r\n\u{1a}\n".utf8) + chunk("IHDR", header) + chunks.flatMap { chunk($0, $1) }
      + chunk("IDAT", data.withUnsafeBytes { encoder.encode($0) }) + chunk("IEND", [])
    return try folder.write(bytes, as: "image.png")
  }

  @Test("Grey of 1, 8 and 16 bits, colour of 8 and 16 bits, and palettes") func kinds() throws {
    #expect(
      try decode(png(10, 2, depth: 1, type: 0, [[0b1010_0000, 0b0100_0000], [0xff, 0xff]])) == [
        255, 0, 255, 0, 0, 0, 0, 0, 0, 255,
      ] + [UInt8](repeating: 255, count: 10))
    #expect(try decode(png(3, 1, depth: 8, type: 0, [[0, 100, 255]])) == [0, 100, 255])
    #expect(
      try decode(png(3, 1, depth: 8, type: 0, [[0, 100, 255]]), channels: 3) == [0, 0, 0, 100, 100, 100, 255, 255, 255])
    // 16 bits are rounded: 0x0180 / 257 is 1.49, 0x0181 / 257 is 1.498, 0x0182 / 257 is 1.502.
    #expect(try decode(png(4, 1, depth: 16, type: 0, [[1, 0x81, 1, 0x82, 0x80, 0, 255, 255]])) == [1, 2, 128, 255])
    #expect(try decode(png(1, 2, depth: 8, type: 2, [[1, 2, 3], [4, 5, 6]])) == [1, 2, 3, 4, 5, 6])
    #expect(try decode(png(1, 1, depth: 16, type: 2, [[1, 1, 2, 2, 0xfd, 0xfd]])) == [1, 2, 253])
    let palette: (String, [UInt8]) = ("PLTE", [9, 8, 7, 200, 100, 50])
    #expect(
      try decode(png(3, 1, depth: 8, type: 3, [[1, 0, 1]], chunks: [palette])) == [200, 100, 50, 9, 8, 7, 200, 100, 50])
    #expect(
      try decode(png(3, 1, depth: 1, type: 3, [[0b1010_0000]], chunks: [palette])) == [
        200, 100, 50, 9, 8, 7, 200, 100, 50,
      ])
  }

  @Test("Gamma and other notes do not change the pixels") func notes() throws {
    let gamma: (String, [UInt8]) = ("gAMA", [0, 1, 0x86, 0xa0]), text: (String, [UInt8]) = ("tEXt", Array("a\0b".utf8))
    #expect(try decode(png(3, 1, depth: 8, type: 0, [[7, 100, 200]], chunks: [gamma, text])) == [7, 100, 200])
    #expect(try decode(png(1, 1, depth: 16, type: 0, [[100, 100]], chunks: [gamma])) == [100])
  }

  @Test("An opaque alpha channel is left out, any other is an error") func alpha() throws {
    #expect(try decode(png(2, 1, depth: 8, type: 4, [[5, 255, 6, 255]])) == [5, 6])
    #expect(try decode(png(1, 1, depth: 8, type: 6, [[5, 6, 7, 255]])) == [5, 6, 7])
    #expect(try decode(png(1, 1, depth: 8, type: 4, [[5, 255]]), channels: 3) == [5, 5, 5])
    let path = try png(2, 2, depth: 8, type: 6, [[5, 6, 7, 255, 1, 2, 3, 255], [5, 6, 7, 255, 5, 6, 7, 254]])
    let error = #expect(throws: StructuredError.self) { try decode(path) }
    #expect(error?.what == "the image has a transparent pixel in row 1, column 1" && error?.location == path)
    // A colour that counts as transparent.
    let key = try png(2, 1, depth: 8, type: 0, [[5, 6]], chunks: [("tRNS", [0, 6])])
    #expect(throws: StructuredError.self) { try decode(key) }
    #expect(try decode(png(2, 1, depth: 8, type: 0, [[5, 7]], chunks: [("tRNS", [0, 6])])) == [5, 7])
  }

  @Test("Extents and colour must be those that are asked for") func extents() throws {
    let path = try png(3, 1, depth: 8, type: 2, [[0, 1, 2, 3, 4, 5, 6, 7, 8]])
    var bytes = [UInt8](repeating: 0, count: 100)
    let size = #expect(throws: StructuredError.self) {
      try ImageDecoder().decode(path, shape: ImageShape(height: 3, width: 1, channels: 3), into: &bytes)
    }
    #expect(size?.what == "the image has 1×3 pixels" && size?.expected == "3×1" && size?.location == path)
    let color = #expect(throws: StructuredError.self) { try decode(path, channels: 1) }
    #expect(color?.what == "the image is in colour")
  }

  @Test("Damage: checksum, missing end, missing rows, text after the pixels") func damage() throws {
    let path = try png(3, 2, depth: 8, type: 0, [[0, 1, 2], [3, 4, 5]])
    let sound = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    for count in 0..<sound.count {
      let cut = try folder.write(sound[..<count], as: "cut.png")
      #expect(throws: StructuredError.self, "\(count) bytes") { try decode(cut) }
    }
    for place in 33..<sound.count - 12 {
      var bytes = sound
      bytes[place] ^= 0x10
      let changed = try folder.write(bytes, as: "changed.png")
      #expect(throws: StructuredError.self, "byte \(place)") { try decode(changed) }
    }
    let short = try png(3, 3, depth: 8, type: 0, [[0, 1, 2], [3, 4, 5]])
    #expect(throws: StructuredError.self) { try decode(short) }
    #expect(try decode(folder.write(sound + [1, 2, 3], as: "more.png")) == [0, 1, 2, 3, 4, 5])
    let none = try folder.write(Array("GIF89a".utf8), as: "image.gif")
    let error = #expect(throws: StructuredError.self) { try decode(none) }
    #expect(error?.what == "this is not an image" && error?.expected == "a PNG or JPEG file")
  }

  @Test("A JPEG image that is cut anywhere is an error; a grey one has one channel") func jpeg() throws {
    let path = Golden.path("datasets/celeba/img_align_celeba/000003.jpg")
    let sound = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    #expect(try ImageHeader(reading: path) == ImageHeader(reading: path))
    for count in stride(from: 1, to: sound.count - 2, by: 61) {
      let cut = try folder.write(sound[..<count], as: "cut.jpg")
      #expect(throws: StructuredError.self, "\(count) bytes") { try decode(cut) }
    }
    // The smallest grey JPEG: 8 × 8 pixels of one value, tables with a code or two.
    let tables: [UInt8] =
      [0xff, 0xdb, 0, 67, 0] + [UInt8](repeating: 1, count: 64) + [0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0]
      + [0xff, 0xc4, 0, 20, 0, 1] + [UInt8](repeating: 0, count: 15) + [0] + [0xff, 0xc4, 0, 20, 0x10, 1]
      + [UInt8](repeating: 0, count: 15) + [0] + [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]
    let grey = try folder.write([0xff, 0xd8] + tables + [0x3f, 0xff, 0xd9], as: "grey.jpg")
    #expect(try ImageHeader(reading: grey).shape == ImageShape(height: 8, width: 8))
    #expect(try decode(grey) == [UInt8](repeating: 128, count: 64))
    #expect(try decode(grey, channels: 3) == [UInt8](repeating: 128, count: 192))
    for (place, value, message) in [(75, 12, "has 12 bits"), (80, 4, "has 4 components"), (77, 0, "0 rows")] {
      var bytes = [0xff, 0xd8] + tables + [0x3f, 0xff, 0xd9]
      bytes[place] = UInt8(value)
      let other = try folder.write(bytes, as: "other.jpg")
      let error = #expect(throws: StructuredError.self) { try decode(other) }
      #expect(error?.what.contains(message) == true, "\(error.map { "\($0)" } ?? "none")")
    }
  }
}
