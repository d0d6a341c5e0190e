import CPNG
import CTurboJPEG
import Diagnostics
import TensorCore

/// Decodes PNG and JPEG files to bytes. Not for concurrent use.
///
/// Pixels are what the file holds: no colour space is applied, and the orientation that a camera noted is ignored. PNG images
/// with 16 bits are rounded to 8, those with fewer are spread over 0 to 255, palettes become colours. An alpha channel must
/// be opaque and is left out. JPEG images are decoded as libjpeg does by default (accurate transform, smooth upsampling).
/// A warning of a decoder is an error here: it means that pixels are made up.
public final class ImageDecoder {
  private var jpeg: tjhandle?

  /// Makes a decoder.
  public init() {}

  deinit { if let jpeg { tjDestroy(jpeg) } }

  /// Decodes a file, [height, width, channels].
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - shape: the extents that it must have. A grey image is decoded to three equal channels where these are asked for.
  ///   - destination: room for `shape.count` bytes. What it holds after an error is undefined.
  /// - Throws: `StructuredError` if the file is missing or damaged, has other extents, colour where grey is asked for, or
  ///   transparent pixels.
  public func decode(_ path: String, shape: ImageShape, into destination: UnsafeMutablePointer<UInt8>) throws {
    precondition(shape.channels == 1 || shape.channels == 3, "images are grey or RGB")
    let file = try FileBytes(reading: path), header = try ImageHeader(file), found = header.shape
    guard found.height == shape.height, found.width == shape.width else {
      throw StructuredError(
        "the image has \(found.height)×\(found.width) pixels", at: path, expected: "\(shape.height)×\(shape.width)")
    }
    guard found.channels <= shape.channels else {
      throw StructuredError("the image is in colour", at: path, expected: "a grey one, as the others are")
    }
    // More than pixels of 8 bytes that cannot be compressed, and texts.
    let limit = saturatingSum(saturatingProduct(shape.height, shape.width, 16), 1 << 24)
    guard file.count <= limit, let bytes = file.bytes(at: 0, file.count) else {
      throw StructuredError(
        "the file of \(file.count) bytes \(file.count > limit ? "is too large" : "cannot be read")", at: path,
        expected: "at most \(limit) bytes for \(shape.height)×\(shape.width) pixels")
    }
    switch header.format {
    case .png: try decodePNG(bytes, path, shape, destination)
    case .jpeg: try decodeJPEG(bytes, path, shape, destination)
    }
  }

  private func damaged(_ what: String, _ path: String) -> StructuredError {
    StructuredError("the image is damaged: \(what)", at: path, action: "Copy or download the file again.")
  }

  private func decodePNG(
    _ bytes: [UInt8], _ path: String, _ shape: ImageShape, _ destination: UnsafeMutablePointer<UInt8>
  ) throws {
    guard let bytes = PNGChunks.stripped(bytes) else { throw damaged("it ends early", path) }
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    defer { png_image_free(&image) }
    func check(_ succeeded: Int32) throws {
      guard succeeded != 0, image.warning_or_error == 0 else {
        let message = withUnsafeBytes(of: image.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        throw damaged(message, path)
      }
    }
    try bytes.withUnsafeBytes { bytes in
      try check(png_image_begin_read_from_memory(&image, bytes.baseAddress, bytes.count))
      guard image.height == shape.height, image.width == shape.width else { throw damaged("it has two sizes", path) }
      // Without a colour space, 16 bits would be taken for light intensities.
      image.flags |= UInt32(PNG_IMAGE_FLAG_16BIT_sRGB)
      let hasAlpha = image.format & UInt32(PNG_FORMAT_FLAG_ALPHA) != 0
      image.format = UInt32(shape.channels == 3 ? PNG_FORMAT_FLAG_COLOR : 0)
      guard hasAlpha else { return try check(png_image_finish_read(&image, nil, destination, 0, nil)) }
      image.format |= UInt32(PNG_FORMAT_FLAG_ALPHA)
      let pixels = shape.height * shape.width, channels = shape.channels
      try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: pixels * (channels + 1)) { values in
        try check(png_image_finish_read(&image, nil, values.baseAddress, 0, nil))
        for pixel in 0..<pixels {
          let start = pixel * (channels + 1)
          guard values[start + channels] == 255 else {
            throw StructuredError(
              "the image has a transparent pixel in row \(pixel / shape.width), column \(pixel % shape.width)",
              at: path, expected: "an opaque image", action: "Put it before a background.")
          }
          for channel in 0..<channels { destination[pixel * channels + channel] = values[start + channel] }
        }
      }
    }
  }

  private func decodeJPEG(
    _ bytes: [UInt8], _ path: String, _ shape: ImageShape, _ destination: UnsafeMutablePointer<UInt8>
  ) throws {
    if jpeg == nil { jpeg = tjInitDecompress() }
    guard let jpeg else { throw StructuredError("there is not enough memory", at: path) }
    let status = bytes.withUnsafeBufferPointer { bytes in
      tjDecompress2(
        jpeg, bytes.baseAddress, UInt(bytes.count), destination, Int32(shape.width), 0, Int32(shape.height),
        Int32((shape.channels == 3 ? TJPF_RGB : TJPF_GRAY).rawValue),
        TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS)
    }
    guard status == 0 else { throw damaged(String(cString: tjGetErrorStr2(jpeg)), path) }
  }
}
