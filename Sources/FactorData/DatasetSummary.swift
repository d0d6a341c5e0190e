import Foundation
import TensorCore

/// A data set in numbers, for people and reports.
public struct DatasetSummary: Sendable, CustomStringConvertible {
  /// The name.
  public let name: String
  /// The extents of an image.
  public let shape: ImageShape
  /// How pixels are held.
  public let format: ImageStore.Format
  /// The factors; empty where none are known.
  public let factors: [Factor]
  /// Whether the images are the full grid of the factors, in order.
  public let isGrid: Bool
  /// The number of images, of distinct ones, and the entropy in nats.
  public let multiplicities: ImageMultiplicities
  /// The bytes that the images take in memory.
  public let bytes: Int

  /// Sums up a data set.
  public init(of data: any FactorDataset, on device: Device) {
    (name, shape, format, factors) = (data.name, data.imageShape, data.images.format, data.factors)
    isGrid = data.factorSpace != nil
    multiplicities = data.multiplicities(on: device)
    bytes = data.count * data.images.bytesPerImage
  }

  /// One fact per line.
  public var description: String {
    let kind =
      switch format {
      case .bits: "binary, one bit per pixel"
      case .bytes: "8 bits per pixel, divided by 255"
      case .floats: "floats in [0, 1]"
      }
    let factorList =
      factors.isEmpty ? "none" : factors.map { "\($0.name) \($0.size)" }.joined(separator: ", ")
    let grid = factors.isEmpty ? "" : isGrid ? " (the full grid, in order)" : " (not the full grid in order)"
    return """
      data set   \(name)
      images     \(multiplicities.count) of \(shape.height)×\(shape.width)×\(shape.channels), \(kind)
      memory     \(bytes >> 20) MiB
      factors    \(factorList)\(grid)
      distinct   \(multiplicities.distinct) images
      entropy    \(String(format: "%.5f", multiplicities.entropy)) nats
      """
  }
}
