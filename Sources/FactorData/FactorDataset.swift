import TensorCore

/// Images whose generating factors are known.
///
/// A data set gives its images and its factors; everything else follows from these. Images are floats in [0, 1],
/// [height, width, channels]: binary images keep 0 and 1, 8-bit images are divided by 255.
public protocol FactorDataset: Sendable {
  /// The name it goes by, for logs and reports.
  var name: String { get }
  /// The images.
  var images: ImageStore { get }
  /// The factors in the order of ``factors(at:)``; empty where none are known.
  var factors: [Factor] { get }
  /// The grid of the factors, where the data set is exactly one: image i shows the values `factorSpace.values(at: i)`.
  var factorSpace: FactorSpace? { get }
  /// The values of the factors of one image.
  func factors(at index: Int) -> [Int]
}

extension FactorDataset {
  /// The number of images, N.
  public var count: Int { images.count }
  /// The extents of an image.
  public var imageShape: ImageShape { images.shape }
  /// Whether every pixel is 0 or 1, so that a Bernoulli likelihood is a discrete one.
  public var isBinary: Bool { images.format == .bits }

  /// Writes images as floats in [0, 1], [B, height, width, channels].
  ///
  /// - Precondition: the destination holds `indices.count` images.
  public func copyImages(at indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<Float>) {
    images.copyImages(at: indices, into: destination)
  }

  /// Writes images as floats in [0, 1], [B, height, width, channels].
  ///
  /// - Precondition: the destination holds `indices.count` images.
  public func copyImages(at indices: [Int], into destination: UnsafeMutablePointer<Float>) {
    indices.withUnsafeBufferPointer { images.copyImages(at: $0, into: destination) }
  }

  /// Counts identical images: the number of distinct ones and the entropy of the data, in nats.
  public func multiplicities(on device: Device) -> ImageMultiplicities { ImageMultiplicities(of: images, on: device) }
}
