import Diagnostics
import Foundation
import TensorCore

/// A data set in numbers.
public struct DatasetSummary: Sendable, CustomStringConvertible {
  /// The name.
  public let name: String
  /// The extents of an image.
  public let shape: ImageShape
  /// How pixels are held.
  public let format: PixelFormat
  /// The factors.
  public let factors: Factors
  /// The number of images, of distinct ones, and the entropy in nats.
  public let multiplicities: ImageMultiplicities
  /// The bytes of memory that the images take; 0 for images that are not in memory.
  public let memoryBytes: Int

  /// Summarises a data set, reading all its images.
  ///
  /// - Throws: `StructuredError` when an image cannot be read.
  public init(of data: any FactorDataset, on device: Device) throws {
    (name, shape, format, factors) = (data.name, data.imageShape, data.images.format, data.factors)
    multiplicities = try data.multiplicities(on: device)
    memoryBytes = data.images.memoryBytes
  }

  /// One fact per line.
  public var description: String {
    let memory = memoryBytes > 0 ? "\(memoryBytes >> 20) MiB" : "none: the images are read as needed"
    return """
      data set   \(name.escapingControls())
      images     \(multiplicities.count) of \(shape.height)×\(shape.width)×\(shape.channels), \(format)
      memory     \(memory)
      factors    \(factorList)
      distinct   \(multiplicities.distinct) images
      entropy    \(String(format: "%.5f", multiplicities.entropy)) nats
      """
  }

  private var factorList: String {
    if factors.isEmpty { return "none" }
    let list = zip(factors.list, factors.unknownCounts).map { factor, unknown in
      "\(factor.name.escapingControls()) \(factor.size)" + (unknown > 0 ? " (unknown for \(unknown) images)" : "")
    }
    return list.joined(separator: ", ")
      + (factors.grid != nil ? " (the full grid, in order)" : " (not the full grid in order)")
  }
}
