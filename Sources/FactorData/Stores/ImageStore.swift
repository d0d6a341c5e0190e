import Diagnostics
import Foundation
import TensorCore

/// Images in memory, as small as their pixels allow, readable from all threads.
///
/// Binary images take one bit per pixel (dSprites: 512 bytes each, 360 MiB in all), 8-bit images one byte, others one
/// 32-bit float. A row of a binary image is a whole number of 64-bit words, its first pixel in the lowest bit. The memory
/// is filled once, before the store is shared, and never changes after that: this is why it is Sendable, although the
/// compiler cannot check it.
public final class ImageStore: ImageSource, @unchecked Sendable {
  /// The number of images.
  public let count: Int
  /// Height, width and channels.
  public let shape: ImageShape
  /// How pixels are held.
  public let format: PixelFormat
  /// The number of bytes from one image to the next.
  public let bytesPerImage: Int

  let memory: UnsafeMutableRawPointer

  /// Makes a store whose pixels are all 0.
  ///
  /// Memory comes from the system only as it is written.
  ///
  /// - Throws: `StructuredError` when the system does not have that much memory.
  public init(count: Int, shape: ImageShape, format: PixelFormat) throws {
    self.count = count
    self.shape = shape
    self.format = format
    bytesPerImage = Self.bytes(of: shape, format)
    let bytes = saturatingProduct(count, bytesPerImage)
    try MemoryRequirement("\(Format.grouped(count)) images of \(shape)", bytes: bytes).check()
    guard let memory = calloc(max(1, bytes), 1) else {
      throw StructuredError("there is not enough memory for \(count) images of \(bytesPerImage) bytes each")
    }
    self.memory = memory
  }

  deinit { free(memory) }

  /// The bytes of memory that an image takes.
  static func bytes(of shape: ImageShape, _ format: PixelFormat) -> Int {
    switch format {
    case .bits: shape.height * wordsPerRow(shape) * 8
    case .bytes: shape.count
    case .floats: shape.count * 4
    }
  }

  /// The bytes of memory that the images take.
  public var memoryBytes: Int { count * bytesPerImage }

  /// The number of 64-bit words that a row of a binary image takes.
  public var wordsPerRow: Int { Self.wordsPerRow(shape) }

  private static func wordsPerRow(_ shape: ImageShape) -> Int { (shape.width * shape.channels + 63) / 64 }

  /// The bytes of one image as they are held; equal images have equal bytes.
  public func bytes(at index: Int) -> UnsafeRawBufferPointer {
    precondition(index >= 0 && index < count, "image \(index) is outside the store")
    return UnsafeRawBufferPointer(start: memory + index * bytesPerImage, count: bytesPerImage)
  }

  /// The rows of a binary image, `height · wordsPerRow` words, for filling.
  ///
  /// - Precondition: the format is `bits`.
  public func rows(at index: Int) -> UnsafeMutablePointer<UInt64> {
    precondition(format == .bits && index >= 0 && index < count, "not a binary image of the store")
    return (memory + index * bytesPerImage).assumingMemoryBound(to: UInt64.self)
  }

  /// Writes images as floats in [0, 1], [B, height, width, channels], one after the other; never throws.
  ///
  /// - Precondition: the indices are in `0..<count`, and the destination holds `indices.count · shape.count` floats.
  public func read(_ indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<Float>) {
    for (position, index) in indices.enumerated() {
      precondition(index >= 0 && index < count, "image \(index) is outside the store")
      let target = destination + position * shape.count, source = memory + index * bytesPerImage
      switch format {
      case .bits: unpack(source.assumingMemoryBound(to: UInt64.self), into: target)
      case .bytes:
        let bytes = source.assumingMemoryBound(to: UInt8.self)
        for pixel in 0..<shape.count { target[pixel] = Float(bytes[pixel]) / 255 }
      case .floats: target.update(from: source.assumingMemoryBound(to: Float.self), count: shape.count)
      }
    }
  }

  /// Counts images with equal bytes.
  public func imageMultiplicities(on device: Device) -> ImageMultiplicities {
    ImageMultiplicities(of: self, on: device)
  }

  /// The eight pixels of every byte, lowest bit first.
  private static let pixels: [SIMD8<Float>] = (0..<256).map { byte in
    var eight = SIMD8<Float>()
    for bit in 0..<8 { eight[bit] = Float(byte >> bit & 1) }
    return eight
  }

  private func unpack(_ rows: UnsafePointer<UInt64>, into target: UnsafeMutablePointer<Float>) {
    let rowLength = shape.width * shape.channels, words = wordsPerRow
    Self.pixels.withUnsafeBufferPointer { pixels in
      for y in 0..<shape.height {
        let row = UnsafeRawPointer(rows + y * words).assumingMemoryBound(to: UInt8.self)
        let out = target + y * rowLength
        for byte in 0..<rowLength / 8 {
          UnsafeMutableRawPointer(out + 8 * byte).storeBytes(of: pixels[Int(row[byte])], as: SIMD8<Float>.self)
        }
        for x in rowLength / 8 * 8..<rowLength { out[x] = Float(row[x / 8] >> (x % 8) & 1) }
      }
    }
  }
}
