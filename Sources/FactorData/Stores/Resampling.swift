import Foundation
import TensorCore

/// How images are resized; D's and N's 64-pixel versions differ in this alone.
public enum ResamplingFilter: String, CaseIterable, Sendable {
  /// The mean over the area of the new pixel.
  case area
  /// A triangle, widened by the factor of reduction, so that it does not alias.
  case bilinear
  /// The cubic of Keys 1981 with a = −½, widened in the same way.
  case bicubic
  /// The windowed sinc of three lobes, widened in the same way.
  case lanczos

  /// Half the width of the filter at a factor of 1.
  private var support: Double {
    switch self {
    case .area: 0.5
    case .bilinear: 1
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  /// The filter's value.
  private func value(_ x: Double) -> Double {
    let x = abs(x)
    switch self {
    case .area: return x <= 0.5 ? 1 : 0
    case .bilinear: return max(0, 1 - x)
    case .bicubic:
      if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
      return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
    case .lanczos:
      func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(.pi * x) / (.pi * x) }
      return x < 3 ? sinc(x) * sinc(x / 3) : 0
    }
  }

  /// The weights of the old pixels of a line for each new one: where they begin, and their values, which add up to 1.
  ///
  /// With s = max(1, old/new), the old pixel j has for the new pixel i the weight f((j + ½ − (i + ½)·old/new)/s), as far as it
  /// is in the image; `area` has the length that both have in common.
  ///
  /// - Precondition: both lengths are positive.
  func weights(from old: Int, to new: Int) -> [(first: Int, weights: [Float])] {
    precondition(old > 0 && new > 0, "an image has pixels")
    let ratio = Double(old) / Double(new), scale = max(1, ratio)
    return (0..<new).map { pixel in
      let weights: [Double], first: Int
      if self == .area {
        let low = Double(pixel) * ratio, high = Double(pixel + 1) * ratio
        first = min(old - 1, Int(low))
        let last = min(old - 1, max(first, Int(high.rounded(.up)) - 1))
        weights = (first...last).map { min(high, Double($0 + 1)) - max(low, Double($0)) }
      } else {
        let center = (Double(pixel) + 0.5) * ratio
        first = max(0, Int(center - support * scale + 0.5))
        let end = min(old, Int(center + support * scale + 0.5))
        weights = (first..<end).map { value((Double($0) + 0.5 - center) / scale) }
      }
      let sum = weights.reduce(0, +)
      return (first, weights.map { Float($0 / sum) })
    }
  }
}

/// Resizes images by a filter, first the lines and then the columns.
struct Resampling: Sendable {
  /// The extents before and after.
  let old: ImageShape, new: ImageShape
  private let rows: [(first: Int, weights: [Float])], columns: [(first: Int, weights: [Float])]

  init(from old: ImageShape, toHeight height: Int, width: Int, by filter: ResamplingFilter) {
    self.old = old
    new = ImageShape(height: height, width: width, channels: old.channels)
    rows = filter.weights(from: old.height, to: height)
    columns = filter.weights(from: old.width, to: width)
  }

  /// The number of floats that ``resize(_:into:scratch:)`` needs in between.
  var scratchCount: Int { new.height * old.width * old.channels }

  /// Resizes an image. Filters other than `area` and `bilinear` may leave the range of the old pixels.
  func resize(
    _ image: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
  ) {
    let oldLine = old.width * old.channels, channels = old.channels
    for (y, (first, weights)) in rows.enumerated() {
      let line = scratch + y * oldLine
      line.update(repeating: 0, count: oldLine)
      for (offset, weight) in weights.enumerated() {
        let source = image + (first + offset) * oldLine
        for x in 0..<oldLine { line[x] += weight * source[x] }
      }
      for (x, (first, weights)) in columns.enumerated() {
        let pixel = target + (y * new.width + x) * channels, source = line + first * channels
        for channel in 0..<channels {
          var sum: Float = 0
          for offset in weights.indices { sum += weights[offset] * source[offset * channels + channel] }
          pixel[channel] = sum
        }
      }
    }
  }
}

/// Images of another size, 8 bits for each value: rounded, and those outside [0, 1] moved to its ends.
struct ResizedImages: DiskImages {
  private let base: any ImageSource
  private let resampling: Resampling

  init(_ base: any ImageSource, size: Int, by filter: ResamplingFilter) {
    self.base = base
    resampling = Resampling(from: base.shape, toHeight: size, width: size, by: filter)
  }

  var count: Int { base.count }
  var shape: ImageShape { resampling.new }
  var format: PixelFormat { .bytes }
  var canReadAtRandom: Bool { (base as? any DiskImages)?.canReadAtRandom ?? true }
  var isFetchedInAdvance: Bool { (base as? any DiskImages)?.isFetchedInAdvance ?? true }
  func announce(_ indices: [Int]) { base.announce(indices) }

  func readBytes(_ indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<UInt8>) throws {
    try resize(indices.count, into: destination) { place, image in
      try base.read(UnsafeBufferPointer(rebasing: indices[place..<place + 1]), into: image)
    }
  }

  func forEachRun(
    on device: Device, _ body: (_ images: Range<Int>, _ bytes: UnsafeBufferPointer<UInt8>) throws -> Void
  ) throws {
    guard let disk = base as? any DiskImages else { return try forEachPartOfRuns(on: device, body) }
    let oldSize = base.shape.count, size = shape.count, scale: Float = base.format == .bits ? 1 : 255
    var resized: [UInt8] = []
    try disk.forEachRun(on: device) { images, bytes in
      if resized.count < images.count * size { resized = [UInt8](repeating: 0, count: images.count * size) }
      try resized.withUnsafeMutableBufferPointer { resized in
        guard let new = resized.baseAddress, let start = bytes.baseAddress else { return }
        // Each thread writes images of its own.
        nonisolated(unsafe) let (target, source) = (new, start)
        try device.forEachPart(images.count, grain: 1) { part in
          try resize(part.count, into: target + part.lowerBound * size) { place, image in
            let old = source + (part.lowerBound + place) * oldSize
            for pixel in 0..<oldSize { image[pixel] = Float(old[pixel]) / scale }
          }
        }
        try body(images, UnsafeBufferPointer(start: target, count: images.count * size))
      }
    }
  }

  /// Resizes images that `read` writes, one at a time.
  private func resize(
    _ count: Int, into destination: UnsafeMutablePointer<UInt8>,
    _ read: (_ place: Int, _ image: UnsafeMutablePointer<Float>) throws -> Void
  ) throws {
    let oldSize = base.shape.count, size = shape.count
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: oldSize + resampling.scratchCount + size) { floats in
      guard let old = floats.baseAddress else { return }
      let scratch = old + oldSize, new = scratch + resampling.scratchCount
      for place in 0..<count {
        try read(place, old)
        resampling.resize(old, into: new, scratch: scratch)
        let target = destination + place * size
        for pixel in 0..<size { target[pixel] = UInt8(max(0, min(255, (new[pixel] * 255).rounded()))) }
      }
    }
  }
}
