import Synchronization
import TensorCore

/// How the pixels of a source are held, and so what values they have.
public enum PixelFormat: Sendable, Equatable, CustomStringConvertible {
  /// Each pixel is 0 or 1.
  case bits
  /// Each pixel is a byte b and has the value b / 255.
  case bytes
  /// Each pixel is a float in [0, 1].
  case floats

  /// The format in words.
  public var description: String {
    switch self {
    case .bits: "binary, one bit per pixel"
    case .bytes: "8 bits per pixel, divided by 255"
    case .floats: "floats in [0, 1]"
    }
  }
}

/// Images that can be read by index, from memory, from a file or made on demand.
///
/// An image is a pure function of its index: reading it twice gives the same pixels. Reads come from several threads at
/// once. ``ImageStore`` holds images in memory.
public protocol ImageSource: Sendable {
  /// The number of images, N.
  var count: Int { get }
  /// Height, width and channels of each image.
  var shape: ImageShape { get }
  /// How pixels are held, and so what values they have.
  var format: PixelFormat { get }
  /// The bytes of memory that the images take; 0 for images that are not in memory.
  var memoryBytes: Int { get }

  /// Writes images as floats in [0, 1], [B, height, width, channels], one after the other, on the calling thread.
  ///
  /// - Parameters:
  ///   - indices: the images, in this order, each in `0..<count`.
  ///   - destination: room for `indices.count · shape.count` floats. What it holds after an error is undefined.
  /// - Throws: `StructuredError` when an image cannot be read.
  func read(_ indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<Float>) throws

  /// Writes images as ``read(_:into:)`` does, on all threads of a device. By default each thread reads a part.
  ///
  /// - Throws: the error of the first part that cannot be read.
  func read(_ indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<Float>, on device: Device)
    throws

  /// Says that images will be read soon, so that a source on disk can have the system fetch them meanwhile. By default
  /// nothing happens.
  func announce(_ indices: [Int])

  /// Counts identical images. By default reads all images once, and again those whose hashes are equal.
  ///
  /// - Throws: `StructuredError` when an image cannot be read.
  func imageMultiplicities(on device: Device) throws -> ImageMultiplicities
}

extension ImageSource {
  /// 0: the images are not in memory.
  public var memoryBytes: Int { 0 }

  /// Does nothing.
  public func announce(_ indices: [Int]) {}

  /// Reads a part of the images on each thread of a device.
  public func read(
    _ indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<Float>, on device: Device
  ) throws {
    let size = shape.count
    try device.forEachPart(indices.count, grain: 4) { part in
      try read(UnsafeBufferPointer(rebasing: indices[part]), into: destination + part.lowerBound * size)
    }
  }

  /// Counts images with equal pixels; equal means that all floats are equal bit by bit.
  public func imageMultiplicities(on device: Device) throws -> ImageMultiplicities {
    try ImageMultiplicities(reading: self, on: device)
  }
}

extension Device {
  /// Splits `0..<count` into one contiguous range per worker and runs `body` on those that are not empty.
  ///
  /// - Throws: the error of the lowest range that threw.
  func forEachPart(_ count: Int, grain: Int, _ body: (_ range: Range<Int>) throws -> Void) throws {
    let failure = Mutex<(first: Int, error: any Error)?>(nil)
    forEachRange(count, grain: grain) { _, range in
      do { try body(range) } catch {
        failure.withLock { if $0.map({ range.lowerBound < $0.first }) ?? true { $0 = (range.lowerBound, error) } }
      }
    }
    if let failure = failure.withLock({ $0 }) { throw failure.error }
  }
}
