import TensorCore

/// Images that are drawn when they are read, each a function of its number.
struct DrawnImages: ImageSource {
  let count: Int
  let shape: ImageShape
  let format: PixelFormat
  /// Writes one image, [height, width, channels], into memory that holds zeros.
  let draw: @Sendable (_ index: Int, _ pixels: UnsafeMutablePointer<Float>) throws -> Void

  func read(_ indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<Float>) throws {
    destination.update(repeating: 0, count: indices.count * shape.count)
    for (position, index) in indices.enumerated() {
      precondition(index >= 0 && index < count, "image \(index) is outside the data set")
      try draw(index, destination + position * shape.count)
    }
  }
}

extension UnsafeMutablePointer<Float> {
  /// Fills a square of an image of a width with a colour.
  func fillSquare(x: Int, y: Int, side: Int, width: Int, channels: Int, _ color: (_ channel: Int) -> Float?) {
    for row in y..<y + side {
      for column in x..<x + side {
        for channel in 0..<channels {
          if let value = color(channel) { self[(row * width + column) * channels + channel] = value }
        }
      }
    }
  }
}
