import Diagnostics
import Synchronization
import TensorCore

/// Packing of pixels that are 0 or 1, eight at a time.
enum BitPacking {
  /// The bits that no byte of eight binary pixels has.
  static let notBinary: UInt64 = 0xfefe_fefe_fefe_fefe

  /// The lowest bits of eight bytes as one byte, the first byte's in the lowest bit.
  ///
  /// The product moves bit 8·i of the word to bit 56 + i of the product, and no two terms of it meet in one bit.
  static func pack(_ eight: UInt64) -> UInt64 { (eight &* 0x0102_0408_1020_4080) >> 56 }

  /// The inverse of ``pack(_:)``, by byte.
  static let expansion: [UInt64] = (0..<256).map { (byte: UInt64) in
    var eight: UInt64 = 0
    for bit in 0..<UInt64(8) { eight |= (byte >> bit & 1) << (8 * bit) }
    return eight
  }
}

/// A pixel that a binary image cannot have.
struct NonBinaryPixel: Equatable {
  /// The image.
  var image: Int
  /// The value.
  var value: UInt8

  /// The error about it.
  func error(at location: String) -> StructuredError {
    StructuredError("image \(image) has a pixel of value \(value)", at: location, expected: "only 0 and 1")
  }
}

extension ImageStore {
  /// Packs binary images from bytes, on all threads.
  ///
  /// - Parameters:
  ///   - pixels: `range.count · shape.count` bytes.
  ///   - range: the images they are.
  /// - Returns: the first pixel that is neither 0 nor 1; nil when all was well.
  /// - Precondition: the format is `bits`.
  func pack(_ pixels: UnsafePointer<UInt8>, _ range: Range<Int>, on device: Device) -> NonBinaryPixel? {
    let first = Mutex<NonBinaryPixel?>(nil)
    device.forEachRange(range.count, grain: 16) { _, part in
      for position in part {
        let source = pixels + position * shape.count
        if let value = pack(source, image: range.lowerBound + position) {
          let found = NonBinaryPixel(image: range.lowerBound + position, value: value)
          first.withLock { if $0.map({ found.image < $0.image }) ?? true { $0 = found } }
          return
        }
      }
    }
    return first.withLock { $0 }
  }

  /// Packs one image and returns a value that is neither 0 nor 1, if there is one.
  private func pack(_ pixels: UnsafePointer<UInt8>, image: Int) -> UInt8? {
    let rowLength = shape.width * shape.channels
    let target = rows(at: image)
    for y in 0..<shape.height {
      let source = UnsafeRawPointer(pixels + y * rowLength)
      var stray: UInt64 = 0
      for word in 0..<wordsPerRow {
        var bits: UInt64 = 0
        let start = word * 64, end = min(start + 64, rowLength)
        var x = start
        while x + 8 <= end {
          let eight = source.loadUnaligned(fromByteOffset: x, as: UInt64.self)
          stray |= eight & BitPacking.notBinary
          bits |= BitPacking.pack(eight) << UInt64(x - start)
          x += 8
        }
        while x < end {
          let one = UInt64(pixels[y * rowLength + x])
          stray |= one & 0xfe
          bits |= (one & 1) << UInt64(x - start)
          x += 1
        }
        target[y * wordsPerRow + word] = bits
      }
      if stray != 0 { return (0..<rowLength).lazy.map { pixels[y * rowLength + $0] }.first { $0 > 1 } }
    }
    return nil
  }
}
