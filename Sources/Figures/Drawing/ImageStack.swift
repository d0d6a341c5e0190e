import Diagnostics

/// Images to be drawn: plain numbers and a shape, whatever model or data set they come from.
///
/// `values` is `[N, H, W, C]`, row-major, C = 1 (grey) or 3 (red, green, blue), 0 black and 1 full; what lies outside is
/// clamped when drawn.
public struct ImageStack: Sendable {
  /// The values, `[N, H, W, C]`.
  public let values: [Float]
  /// N, the number of images.
  public let count: Int
  /// H, in pixels.
  public let height: Int
  /// W, in pixels.
  public let width: Int
  /// C, 1 or 3.
  public let channels: Int

  /// Makes a stack.
  ///
  /// - Throws: `StructuredError` if the number of values is not N·H·W·C, a side is empty, or C is neither 1 nor 3.
  public init(_ values: [Float], count: Int, height: Int, width: Int, channels: Int = 1) throws {
    guard count >= 0, height > 0, width > 0, channels == 1 || channels == 3 else {
      throw StructuredError(
        "images of shape [\(count), \(height), \(width), \(channels)] cannot be drawn",
        expected: "grey or red, green, blue images")
    }
    guard values.count == count * height * width * channels else {
      throw StructuredError(
        "\(values.count) values are not \(count) images of shape [\(height), \(width), \(channels)]",
        expected: "\(count * height * width * channels) values")
    }
    self.values = values
    self.count = count
    self.height = height
    self.width = width
    self.channels = channels
  }

  /// One pixel as red, green, blue; nil where a value is not a number.
  package func color(image: Int, y: Int, x: Int) -> Color? {
    let start = ((image * height + y) * width + x) * channels
    let color = Color(
      red: Double(values[start]), green: Double(values[start + (channels == 3 ? 1 : 0)]),
      blue: Double(values[start + (channels == 3 ? 2 : 0)]))
    return color.red.isNaN || color.green.isNaN || color.blue.isNaN ? nil : color
  }

  /// Some of the images, in a given order.
  package func images(_ indices: some Sequence<Int>) throws -> ImageStack {
    let size = height * width * channels
    let chosen = Array(indices)
    return try ImageStack(
      chosen.flatMap { values[$0 * size..<($0 + 1) * size] }, count: chosen.count, height: height, width: width,
      channels: channels)
  }
}
