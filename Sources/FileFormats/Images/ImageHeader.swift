import Diagnostics
import TensorCore

/// What the header of an image file says: the format, and the extents of the image as ``ImageDecoder`` decodes it.
public struct ImageHeader: Sendable, Equatable {
  /// A format of image files.
  public enum Format: String, Sendable {
    /// PNG (ISO/IEC 15948).
    case png = "PNG"
    /// JPEG (ITU-T T.81), baseline or progressive, with eight bits.
    case jpeg = "JPEG"
  }

  /// The format, by the first bytes of the file.
  public let format: Format
  /// The extents; one channel for grey images, three for all others.
  public let shape: ImageShape

  /// The endings of the names of image files, in lower case.
  public static let endings = [".png", ".jpg", ".jpeg"]

  /// Reads the header of a file.
  ///
  /// - Throws: `StructuredError` if the file is missing, is neither a PNG nor a JPEG image that can be decoded, or declares more
  ///   pixels than it can hold, or than 2²⁶.
  public init(reading path: String) throws { try self.init(FileBytes(reading: path)) }

  init(_ file: FileBytes) throws {
    let start = file.bytes(at: 0, min(8, file.count)) ?? []
    if start == PNGChunks.signature {
      (format, shape) = (.png, try Self.png(file))
    } else if start.starts(with: [0xff, 0xd8, 0xff]) {
      (format, shape) = (.jpeg, try Self.jpeg(file))
    } else {
      throw StructuredError("this is not an image", at: file.path, expected: "a PNG or JPEG file")
    }
  }

  private static func number(_ bytes: some Sequence<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

  /// The most pixels that an image may have.
  private static let largest = 1 << 26
  /// The most pixels that a byte can hold: deflate compresses by a factor of at most 1032, and a pixel may be a bit.
  private static let pixelsPerByte = 1032 * 8

  private static func shape(_ height: Int, _ width: Int, _ channels: Int, _ file: FileBytes) throws -> ImageShape {
    guard height > 0, width > 0 else {
      throw StructuredError(
        "the image has \(height) rows and \(width) columns", at: file.path, expected: "at least one")
    }
    let limit = min(largest, saturatingProduct(file.count, pixelsPerByte))
    guard saturatingProduct(height, width) <= limit else {
      throw StructuredError(
        "the image declares \(height)×\(width) pixels", at: file.path,
        expected: "at most \(limit) in a file of \(file.count) bytes")
    }
    return ImageShape(height: height, width: width, channels: channels)
  }

  private static func png(_ file: FileBytes) throws -> ImageShape {
    guard let header = file.bytes(at: 8, 25), header[..<8].elementsEqual([0, 0, 0, 13] + Array("IHDR".utf8)) else {
      throw StructuredError("the PNG image has no header", at: file.path, action: "Copy or download the file again.")
    }
    // The type is the sum of 1 for a palette, 2 for colour and 4 for alpha.
    return try shape(number(header[12..<16]), number(header[8..<12]), header[17] & 2 == 0 ? 1 : 3, file)
  }

  /// Reads markers up to the one with the extents.
  private static func jpeg(_ file: FileBytes) throws -> ImageShape {
    var offset = 2
    // A file has some dozens of markers, however large they are.
    for _ in 0..<10_000 {
      guard let marker = file.bytes(at: offset, 2), marker[0] == 0xff else { break }
      // Fill bytes, and markers without contents.
      if marker[1] == 0xff {
        offset += 1
        continue
      }
      if marker[1] == 0x01 || 0xd0...0xd8 ~= marker[1] {
        offset += 2
        continue
      }
      guard let length = file.bytes(at: offset + 2, 2).map(number), length >= 2 else { break }
      guard 0xc0...0xcf ~= marker[1], ![0xc4, 0xc8, 0xcc].contains(marker[1]) else {
        // The pixels begin, or the file ends, before there were extents.
        if marker[1] == 0xda || marker[1] == 0xd9 { break }
        offset += 2 + length
        continue
      }
      guard let frame = file.bytes(at: offset + 4, 6) else { break }
      guard frame[0] == 8 else {
        throw StructuredError("the JPEG image has \(frame[0]) bits for each value", at: file.path, expected: "8")
      }
      guard frame[5] == 1 || frame[5] == 3 else {
        throw StructuredError(
          "the JPEG image has \(frame[5]) components", at: file.path, expected: "1, grey, or 3, colour",
          action: "Convert it to RGB.")
      }
      return try shape(number(frame[1..<3]), number(frame[3..<5]), Int(frame[5]), file)
    }
    throw StructuredError(
      "the JPEG image has no header with its extents", at: file.path, action: "Copy or download the file again.")
  }
}

/// The chunks of a PNG image.
enum PNGChunks {
  /// What a PNG file begins with.
  static let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

  /// The same image with nothing but the chunks that its pixels need: those that are critical, and transparency.
  ///
  /// Colour spaces and gamma are left out, so that pixels are what the file holds, and so are texts and profiles, of which a
  /// decoder must not unpack any.
  ///
  /// - Returns: nil if the chunks do not end with the one for the end.
  static func stripped(_ file: [UInt8]) -> [UInt8]? {
    var kept = signature, offset = signature.count
    while file.count - offset >= 12 {
      let length = file[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= file.count - offset - 12 else { return nil }
      let chunk = file[offset..<offset + 12 + length],
        kind = String(decoding: file[offset + 4..<offset + 8], as: UTF8.self)
      // Of chunks that can be left out, the name begins with a small letter.
      if file[offset + 4] & 0x20 == 0 || kind == "tRNS" { kept += chunk }
      if kind == "IEND" { return kept }
      offset += chunk.count
    }
    return nil
  }
}
