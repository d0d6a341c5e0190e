import Diagnostics
import StrictConfiguration
import TensorCore

extension ImageFile {
  /// The settings of the data set `file`.
  public struct Configuration: DatasetConfiguration {
    /// The HDF5 or NPZ file.
    public var path: String
    /// The array of images in it; nil for `images` or `imgs`.
    public var imageArray: String?
    /// The array of factors in it; nil for `factors`, `latents/classes` or `latents_classes`, or none.
    public var factorArray: String?

    /// How continuous factors are put into bins; nil refuses them.
    public var bins: FactorBinning?

    /// Reads `path`, `images`, `factors` and, if it is there, `bins`.
    public init(from section: inout ConfigurationSection) throws {
      path = try section.string("path")
      imageArray = try section.optional("images") { try $0.string($1) }
      factorArray = try section.optional("factors") { try $0.string($1) }
      bins = section.contains("bins") ? try section.section("bins") : nil
    }

    /// Reads the file.
    public func open(on device: Device) throws -> any FactorDataset {
      try ImageFile(path: path, images: imageArray, factors: factorArray, bins: bins, on: device)
    }

    /// Opens the file without reading its images.
    public func openOnDisk(largerThan bytes: Int, on device: Device) throws -> (any FactorDataset)? {
      try ImageFile(
        path: path, images: imageArray, factors: factorArray, bins: bins, largerThan: bytes, on: device)
    }

    /// The file.
    public var files: [String] { [path] }
    /// The array of images.
    public var variant: String { imageArray ?? "" }
  }

  /// The entry of the standard registry.
  static let entry = DatasetEntry(
    name: "file",
    summary: "images [N, H, W] or [N, H, W, C] and factors [N, K] from the arrays `images` and `factors` of the HDF5 "
      + "or NPZ file at `path`",
    configuration: Configuration.self)
}
