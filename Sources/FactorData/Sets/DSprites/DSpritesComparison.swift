import Diagnostics
import FileFormats
import Synchronization
import TensorCore

/// What comparing dSprites with what the renderer draws has shown.
public struct DSpritesComparison: Sendable, Equatable {
  /// The images that differ in at least one pixel, in order.
  public private(set) var differingImages: [Int] = []
  /// The pixels that differ, over all images.
  public private(set) var differingPixels = 0
  /// The lit pixels of each shape: square, ellipse, heart.
  public private(set) var litPixels = [0, 0, 0]

  /// Draws every image again and compares, on all threads of a device.
  public init(_ data: DSprites, on device: Device) throws {
    let renderer = DSpritesRenderer(), words = 1024 * 64
    let scratch = UnsafeMutablePointer<UInt64>.allocate(capacity: device.threads * words)
    defer { scratch.deallocate() }
    let result = Mutex(DSpritesComparison())
    try device.forEachItem(3 * 6 * 40) { worker, unit in
      let drawn = scratch + worker * words, given = data.store.rows(at: unit * 1024)
      drawn.update(repeating: 0, count: words)
      renderer.draw(shape: unit / 240, scale: unit / 40 % 6, orientation: unit % 40, into: drawn)
      var images: [Int] = [], pixels = 0, lit = 0
      for image in 0..<1024 {
        var differing = 0
        for row in image * 64..<(image + 1) * 64 {
          differing += (drawn[row] ^ given[row]).nonzeroBitCount
          lit += given[row].nonzeroBitCount
        }
        if differing > 0 { images.append(unit * 1024 + image) }
        pixels += differing
      }
      let found = (images, pixels, lit)
      result.withLock {
        $0.differingImages += found.0
        $0.differingPixels += found.1
        $0.litPixels[unit / 240] += found.2
      }
    }
    self = result.withLock { $0 }
    differingImages.sort()
  }

  private init() {}
}

extension DSprites {
  /// Makes sure that the table of factor values of a file in the published layout is right, to 1e-6.
  ///
  /// - Throws: `StructuredError` when the table is missing or another.
  public static func checkValues(of file: any ArrayFile) throws {
    let table = DSpritesLayout.table("values", in: file)
    let location = "\(file.path), array \"\(table)\""
    let about = try file.information(table)
    guard about.shape == [count, 6] else {
      throw StructuredError("the array has shape \(about.shape)", at: location, expected: "shape [737280, 6]")
    }
    let space = try FactorSpace(DSpritesLayout.columns)
    try file.forEachSlab(of: table, as: Double.self, rows: 1 << 14) { range, rows in
      for (position, index) in range.enumerated() {
        for column in 0..<6 {
          let value = rows[position * 6 + column]
          let expected = DSpritesLayout.values[column][space.value(of: column, at: index)]
          // Written so that NaN fails.
          guard abs(value - expected) <= 1e-6 else {
            throw StructuredError(
              "image \(index) has the value \(value) of \(DSpritesLayout.columns[column].name)", at: location,
              expected: "\(expected)")
          }
        }
      }
    }
  }
}
