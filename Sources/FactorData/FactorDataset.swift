import Diagnostics
import TensorCore

/// Images with what is known of their generating factors.
///
/// A data set has a name, a source of images and its factors; everything else follows from these. Images are floats in
/// [0, 1], [height, width, channels]: binary images keep 0 and 1, 8-bit images are divided by 255. Reading may throw, since
/// a source need not be in memory.
public protocol FactorDataset: Sendable {
  /// The name for logs and reports.
  var name: String { get }
  /// The source of the images.
  var images: any ImageSource { get }
  /// The factors of the images: none, a full grid, or a table.
  var factors: Factors { get }
}

extension FactorDataset {
  /// The number of images, N.
  public var count: Int { images.count }
  /// The extents of an image.
  public var imageShape: ImageShape { images.shape }
  /// Whether every pixel is 0 or 1, so that a Bernoulli likelihood is a discrete one.
  public var isBinary: Bool { images.format == .bits }
  /// The grid of the factors, where the data set is exactly one: image i has the values `factorSpace.values(at: i)`.
  public var factorSpace: FactorSpace? { factors.grid }

  /// Writes images as floats in [0, 1], [B, height, width, channels].
  ///
  /// - Precondition: the indices are in `0..<count`, and the destination holds `indices.count` images.
  /// - Throws: `StructuredError` when the source cannot read an image.
  public func read(_ indices: [Int], into destination: UnsafeMutablePointer<Float>) throws {
    try reportingFailures { try indices.withUnsafeBufferPointer { try images.read($0, into: destination) } }
  }

  /// Reads images as a tensor [B, height, width, channels], on all threads of a device.
  ///
  /// - Precondition: the indices are in `0..<count`.
  /// - Throws: `StructuredError` when the source cannot read an image.
  public func batch(_ indices: [Int], on device: Device) throws -> Tensor<Float> {
    let source = images
    let tensor = Tensor<Float>(uninitialized: source.shape.batch(indices.count), on: device)
    try reportingFailures {
      try indices.withUnsafeBufferPointer { try source.read($0, into: tensor.pointer, on: device) }
    }
    return tensor
  }

  /// Counts identical images: the number of distinct ones and the entropy of the data, in nats.
  ///
  /// - Throws: `StructuredError` when the source cannot read an image.
  public func multiplicities(on device: Device) throws -> ImageMultiplicities {
    try reportingFailures { try images.imageMultiplicities(on: device) }
  }

  /// Checks that the factors cover as many images as there are, and that there are images.
  ///
  /// - Throws: `StructuredError` otherwise.
  func validate() throws {
    guard count > 0 else {
      throw StructuredError("the data set has no images", at: name, expected: "at least one image")
    }
    if let described = factors.imageCount, described != count {
      throw StructuredError(
        "the factors of the data set cover \(described) images", at: name,
        expected: "one row for each of \(count) images")
    }
  }

  /// Runs `body`; an error of another type than `StructuredError` becomes one that names the data set.
  private func reportingFailures<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as StructuredError { throw error } catch {
      throw StructuredError("the images cannot be read: \(error)", at: name)
    }
  }
}
