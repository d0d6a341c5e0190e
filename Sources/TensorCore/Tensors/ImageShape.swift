import Diagnostics

/// Height, width and channels of an image; in memory the channels of a pixel are contiguous (NHWC).
public struct ImageShape: Sendable, Hashable, Codable, CustomStringConvertible {
  /// Rows.
  public var height: Int
  /// Columns.
  public var width: Int
  /// Values per pixel.
  public var channels: Int

  /// Makes an image shape. All extents are positive.
  public init(height: Int, width: Int, channels: Int = 1) {
    requireFit(
      height >= 1 && width >= 1 && channels >= 1, "ImageShape", "\(height)×\(width)×\(channels) is no image")
    (self.height, self.width, self.channels) = (height, width, channels)
  }

  /// Values in an image; the largest `Int` where there would be more.
  public var count: Int { saturatingProduct(height, width, channels) }
  /// The shape of a batch of such images, `[B, height, width, channels]`.
  public func batch(_ size: Int) -> Shape { [size, height, width, channels] }
  /// "64×64×1".
  public var description: String { "\(height)×\(width)×\(channels)" }
}
