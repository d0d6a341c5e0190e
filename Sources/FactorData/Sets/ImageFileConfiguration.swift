import Diagnostics
import StrictConfiguration
import TensorCore

extension ImageFile {
  /// The settings of the data set `file`.
  public struct Configuration: DatasetConfiguration {
    /// The HDF5 or NPZ file, or a folder of PNG and JPEG files.
    public var path: String
    /// The array of images in it; nil for `images` or `imgs`.
    public var imageArray: String?
    /// The array of factors in it; nil for `factors`, `latents/classes` or `latents_classes`, or none. For a folder, the table
    /// of factors; nil for `factors.csv`, or none.
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

    /// Reads the file, or opens the folder.
    public func open(on device: Device) throws -> any FactorDataset {
      guard ImageFolderSet.isFolder(path) else {
        return try ImageFile(path: path, images: imageArray, factors: factorArray, bins: bins, on: device)
      }
      if let imageArray {
        throw StructuredError(
          "the images of a folder are in no array \"\(imageArray)\"", at: path,
          expected: "no key images, or an HDF5 or NPZ file")
      }
      return try ImageFolderSet(folder: path, factors: factorArray, bins: bins, on: device)
    }

    /// Opens the file without reading its images; those of a folder are on disk in any case.
    public func openOnDisk(largerThan bytes: Int, on device: Device) throws -> (any FactorDataset)? {
      if ImageFolderSet.isFolder(path) { return nil }
      return try ImageFile(
        path: path, images: imageArray, factors: factorArray, bins: bins, largerThan: bytes, on: device)
    }

    /// The file; or the folder and, as the images are in its order, the table.
    public var files: [String] {
      guard ImageFolderSet.isFolder(path), let table = ImageFolderSet.tablePath(factorArray, in: path) else {
        return [path]
      }
      return [path, table]
    }
    /// The array of images.
    public var variant: String { imageArray ?? "" }
  }

  /// The entry of the standard registry.
  static let entry = DatasetEntry(
    name: "file",
    summary: "images [N, H, W] or [N, H, W, C] and factors [N, K] from the arrays `images` and `factors` of the HDF5 "
      + "or NPZ file at `path`; or the PNG and JPEG files of the folder `path`, factors from a CSV file",
    configuration: Configuration.self)
}
