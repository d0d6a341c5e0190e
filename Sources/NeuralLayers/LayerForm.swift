import TensorCore

/// What goes into a layer, or comes out of it, for each element of a batch: a row of values or an image.
public enum LayerForm: Sendable, Hashable, CustomStringConvertible {
  /// Values without order, `[B, count]`.
  case vector(Int)
  /// Images, `[B, height, width, channels]`.
  case image(ImageShape)

  /// Values for each element of a batch.
  public var count: Int {
    switch self {
    case .vector(let count): count
    case .image(let image): image.count
    }
  }

  /// The extent of the last axis: the channels of an image, or all values of a vector.
  public var channels: Int {
    switch self {
    case .vector(let count): count
    case .image(let image): image.channels
    }
  }

  /// The image; nil for a vector.
  public var image: ImageShape? { if case .image(let image) = self { image } else { nil } }

  /// The shape of a batch, `[B, count]` or `[B, height, width, channels]`.
  public func batch(_ size: Int) -> Shape {
    switch self {
    case .vector(let count): [size, count]
    case .image(let image): image.batch(size)
    }
  }

  /// "10 values" or "4×4×32".
  public var description: String {
    switch self {
    case .vector(let count): count == 1 ? "1 value" : "\(count) values"
    case .image(let image): "\(image)"
    }
  }
}
