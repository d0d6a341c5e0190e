import Diagnostics
import StrictConfiguration
import TensorCore

/// How the images of a data set are prepared when it is opened: in which size, and whether in memory or on disk.
public struct ImagePlacement: Sendable, Equatable {
  /// The side and the filter of resized images.
  public struct Resizing: StrictlyDecodable, Sendable, Equatable {
    /// Height and width of the resized images.
    public var size: Int
    /// How they are resized. Papers rarely say which, and it changes the pixels: so there is no default.
    public var filter: ResamplingFilter

    /// Reads `size` and `filter`.
    public init(from section: inout ConfigurationSection) throws {
      size = try section.integer("size", in: .within(1...4096))
      filter = try section.choice("filter")
    }

    /// Describes a resizing.
    public init(size: Int, filter: ResamplingFilter) { (self.size, self.filter) = (size, filter) }
  }

  /// How images are resized; nil where they stay as they are.
  public var resizing: Resizing?
  /// The bytes that images may take in memory; those of more are read from disk.
  public var memory: Int

  /// Half of what this process may use.
  public static var standardMemory: Int { AvailableMemory.ofThisProcess.bytes / 2 }

  /// Describes a placement.
  public init(resizing: Resizing? = nil, memory: Int = standardMemory) {
    (self.resizing, self.memory) = (resizing, memory)
  }

  /// Opens a data set.
  ///
  /// - Throws: `StructuredError` when it cannot be opened, or its images take more memory than they may and cannot be read from
  ///   disk.
  func open(_ settings: any DatasetConfiguration, on device: Device) throws -> any FactorDataset {
    // What is resized is read once, image by image, however large it is.
    let limit = resizing == nil ? memory : 0
    return try place(
      try settings.openOnDisk(largerThan: limit, on: device) ?? settings.open(on: device), on: device)
  }

  /// Resizes images, and loads those on disk that memory may hold.
  ///
  /// - Throws: `StructuredError` if an image cannot be read or does not fit into memory.
  public func place(_ dataset: any FactorDataset, on device: Device) throws -> any FactorDataset {
    let dataset = resized(dataset)
    guard let disk = dataset.images as? any DiskImages else { return dataset }
    let bytes = saturatingProduct(disk.count, ImageStore.bytes(of: disk.shape, disk.format))
    if bytes <= memory {
      return PlacedDataset(dataset, images: try ImageStore(loading: disk, on: device))
    }
    guard disk.canReadAtRandom else {
      throw StructuredError(
        "the images would take \(MemoryRequirement.text(bytes)) of memory, and single ones cannot be read from this file",
        at: dataset.name, expected: "at most \(MemoryRequirement.text(memory)), as dataset.memory says",
        action: "Convert it once with \"disentangle dataset convert\" and use the result, or set dataset.memory.")
    }
    return dataset
  }

  /// A data set whose images are resized when they are read.
  func resized(_ dataset: any FactorDataset) -> any FactorDataset {
    let shape = dataset.imageShape
    guard let resizing, shape.height != resizing.size || shape.width != resizing.size else { return dataset }
    return PlacedDataset(dataset, images: ResizedImages(dataset.images, size: resizing.size, by: resizing.filter))
  }
}

/// A data set with its images at another place.
struct PlacedDataset: FactorDataset {
  let name: String
  let factors: Factors
  let images: any ImageSource

  init(_ dataset: any FactorDataset, images: any ImageSource) {
    (name, factors, self.images) = (dataset.name, dataset.factors, images)
  }
}

extension FactorDataset {
  /// Where the images are, for people: "5.9 GB in memory".
  public var placement: String {
    if images.memoryBytes > 0 { return "\(MemoryRequirement.text(images.memoryBytes)) in memory" }
    guard images is any DiskImages else { return "made as needed" }
    return "\(MemoryRequirement.text(saturatingProduct(count, imageShape.count))) read from disk"
  }
}
