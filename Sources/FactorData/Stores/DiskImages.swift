import TensorCore

/// Images on disk whose pixels are bytes or bits: each is read, and decoded, when it is needed.
///
/// Whether such images are loaded into memory or read again and again is decided where a data set is opened, by their size.
public protocol DiskImages: ImageSource {
  /// Writes images as bytes, [B, height, width, channels], one after the other, on the calling thread: 0 and 1 where the
  /// format is ``PixelFormat/bits``, otherwise 0 to 255.
  ///
  /// - Parameters:
  ///   - indices: the images, in this order, each in `0..<count`.
  ///   - destination: room for `indices.count · shape.count` bytes. What it holds after an error is undefined.
  /// - Throws: `StructuredError` when an image cannot be read.
  func readBytes(_ indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<UInt8>) throws

  /// Whether single images can be read in reasonable time. False where they lie in large compressed chunks, so that only
  /// ``forEachRun(on:_:)`` reads them well. By default true.
  var canReadAtRandom: Bool { get }

  /// Whether images that were announced a while ago are in the system's memory, so that reading them does not wait. By default
  /// false.
  var isFetchedInAdvance: Bool { get }

  /// Calls `body` with consecutive runs of all images, as ``readBytes(_:into:)`` writes them. By default each thread of the
  /// device reads a part of a run.
  ///
  /// - Throws: `StructuredError` when an image cannot be read; and any error of `body`.
  func forEachRun(
    on device: Device, _ body: (_ images: Range<Int>, _ bytes: UnsafeBufferPointer<UInt8>) throws -> Void) throws
}

extension DiskImages {
  /// True.
  public var canReadAtRandom: Bool { true }

  /// False.
  public var isFetchedInAdvance: Bool { false }

  /// The number of images that make a run: about 16 MiB of them.
  var runLength: Int { max(1, (1 << 24) / shape.count) }

  /// Reads bytes and divides them by 255; those of binary images are kept.
  public func read(_ indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<Float>) throws {
    let size = shape.count
    // An image at a time, so that its bytes are still in the processor's cache.
    try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: size) { bytes in
      guard let start = bytes.baseAddress else { return }
      for place in indices.indices {
        try readBytes(UnsafeBufferPointer(rebasing: indices[place..<place + 1]), into: start)
        convert(start, size, into: destination + place * size)
      }
    }
  }

  /// Writes bytes that ``readBytes(_:into:)`` gave as floats in [0, 1], on all threads of a device.
  ///
  /// - Precondition: the destination has room for as many floats.
  package func convert(
    _ bytes: UnsafeBufferPointer<UInt8>, into destination: UnsafeMutablePointer<Float>, on device: Device
  ) {
    guard let start = bytes.baseAddress else { return }
    device.forEachRange(bytes.count, grain: 1 << 14) { _, part in
      convert(start + part.lowerBound, part.count, into: destination + part.lowerBound)
    }
  }

  private func convert(_ bytes: UnsafePointer<UInt8>, _ count: Int, into destination: UnsafeMutablePointer<Float>) {
    let scale: Float = format == .bits ? 1 : 255
    for pixel in 0..<count { destination[pixel] = Float(bytes[pixel]) / scale }
  }

  /// Reads runs of images, a part on each thread.
  public func forEachRun(
    on device: Device, _ body: (_ images: Range<Int>, _ bytes: UnsafeBufferPointer<UInt8>) throws -> Void
  ) throws { try forEachPartOfRuns(on: device, body) }

  /// As ``forEachRun(on:_:)`` by default.
  func forEachPartOfRuns(
    on device: Device, _ body: (_ images: Range<Int>, _ bytes: UnsafeBufferPointer<UInt8>) throws -> Void
  ) throws {
    let size = shape.count
    var bytes = [UInt8](repeating: 0, count: min(count, runLength) * size)
    for start in stride(from: 0, to: count, by: runLength) {
      let images = start..<min(start + runLength, count), indices = Array(images)
      try bytes.withUnsafeMutableBufferPointer { bytes in
        guard let start = bytes.baseAddress else { return }
        try indices.withUnsafeBufferPointer { indices in
          // Each thread writes images of its own.
          nonisolated(unsafe) let (numbers, target) = (indices, start)
          try device.forEachPart(numbers.count, grain: 1) { part in
            try readBytes(UnsafeBufferPointer(rebasing: numbers[part]), into: target + part.lowerBound * size)
          }
        }
        try body(images, UnsafeBufferPointer(rebasing: UnsafeBufferPointer(bytes)[..<(images.count * size)]))
      }
    }
  }
}

extension ImageStore {
  /// Loads images into memory.
  ///
  /// - Throws: `StructuredError` when an image cannot be read, or there is not enough memory.
  public convenience init(loading source: some DiskImages, on device: Device) throws {
    try self.init(count: source.count, shape: source.shape, format: source.format)
    try source.forEachRun(on: device) { images, bytes in
      guard let start = bytes.baseAddress else { return }
      if format == .bits {
        precondition(pack(start, images, on: device) == nil, "a binary image is read as 0 and 1")
      } else {
        fill(images, UnsafeRawBufferPointer(bytes))
      }
    }
  }
}
