import Diagnostics
import FileFormats
import TensorCore

/// Images in an array of a file: bytes [N, height, width, channels], or eight pixels to the byte,
/// [N, height, ⌈width · channels / 8⌉], the first in the lowest bit.
struct ArrayImages: DiskImages {
  let count: Int
  let shape: ImageShape
  let format: PixelFormat
  private let file: any ArrayFile
  private let array: String
  private let isPacked: Bool
  private let rows: ArrayRows?

  /// - Precondition: the array holds bytes, as many as this takes.
  /// - Throws: `StructuredError` if there is no such array or its header is damaged.
  init(
    _ file: any ArrayFile, _ array: String, count: Int, shape: ImageShape, format: PixelFormat, isPacked: Bool = false
  ) throws {
    (self.file, self.array, self.count, self.shape) = (file, array, count, shape)
    (self.format, self.isPacked) = (format, isPacked)
    rows = try file.rows(of: array)
    precondition(rows.map { $0.count == count && $0.rowBytes == storedBytes } ?? true, "the array has another shape")
  }

  /// The bytes of a line of pixels, and of an image, in the file.
  private var lineBytes: Int { Self.packedLine(shape) }
  private var storedBytes: Int { isPacked ? shape.height * lineBytes : shape.count }

  /// The bytes of a line of an image whose pixels are packed.
  static func packedLine(_ shape: ImageShape) -> Int { (shape.width * shape.channels + 7) / 8 }

  var canReadAtRandom: Bool { rows != nil }

  var isFetchedInAdvance: Bool { rows?.canBeAnnounced ?? false }

  func announce(_ indices: [Int]) { rows?.announce(indices) }

  func readBytes(_ indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<UInt8>) throws {
    guard let rows else {
      throw StructuredError(
        "single images cannot be read from this file: they lie in large or compressed pieces",
        at: "\(file.path), array \"\(array)\"", action: "Convert the file with \"disentangle dataset convert\".")
    }
    if !isPacked {
      for (place, index) in indices.enumerated() {
        try rows.read(
          index, into: UnsafeMutableRawBufferPointer(start: destination + place * shape.count, count: shape.count))
      }
      return
    }
    try withUnsafeTemporaryAllocation(byteCount: storedBytes, alignment: 8) { packed in
      for (place, index) in indices.enumerated() {
        try rows.read(index, into: packed)
        guard let start = packed.baseAddress else { return }
        unpack(start.assumingMemoryBound(to: UInt8.self), into: destination + place * shape.count)
      }
    }
  }

  func forEachRun(
    on device: Device, _ body: (_ images: Range<Int>, _ bytes: UnsafeBufferPointer<UInt8>) throws -> Void
  ) throws {
    var pixels: [UInt8] = []
    try file.forEachSlab(of: array, as: UInt8.self, rows: runLength, on: device) { images, stored in
      if !isPacked { return try body(images, UnsafeBufferPointer(stored)) }
      if pixels.count < images.count * shape.count {
        pixels = [UInt8](repeating: 0, count: images.count * shape.count)
      }
      try pixels.withUnsafeMutableBufferPointer { pixels in
        guard let target = pixels.baseAddress, let source = stored.baseAddress else { return }
        for image in 0..<images.count {
          unpack(source + image * storedBytes, into: target + image * shape.count)
        }
        try body(images, UnsafeBufferPointer(start: target, count: images.count * shape.count))
      }
    }
  }

  private func unpack(_ packed: UnsafePointer<UInt8>, into pixels: UnsafeMutablePointer<UInt8>) {
    let line = shape.width * shape.channels
    for y in 0..<shape.height {
      for x in 0..<line { pixels[y * line + x] = packed[y * lineBytes + x / 8] >> UInt8(x % 8) & 1 }
    }
  }

  /// Packs the pixels of an image, each 0 or 1.
  static func pack(_ pixels: UnsafePointer<UInt8>, _ shape: ImageShape, into packed: UnsafeMutablePointer<UInt8>) {
    let line = shape.width * shape.channels, lineBytes = packedLine(shape)
    packed.update(repeating: 0, count: shape.height * lineBytes)
    for y in 0..<shape.height {
      for x in 0..<line { packed[y * lineBytes + x / 8] |= pixels[y * line + x] << UInt8(x % 8) }
    }
  }
}
