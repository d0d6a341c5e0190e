import Diagnostics
import TensorCore

/// Where a data set comes from, as far as its configuration says.
public struct DatasetSource: Sendable, Equatable {
  /// The file.
  public var path: String?
  /// The name of the array of images in it.
  public var images: String?
  /// The name of the array of factors in it.
  public var factors: String?

  /// Makes a source.
  public init(path: String? = nil, images: String? = nil, factors: String? = nil) {
    (self.path, self.images, self.factors) = (path, images, factors)
  }
}

/// A data set that configurations can name.
public struct DatasetEntry: Sendable {
  /// The name.
  public let name: String
  /// What it is, in one line.
  public let summary: String
  /// Where it was published.
  public let paper: String?
  /// Makes the data set on the threads of a device.
  ///
  /// Throws ``StructuredError`` when the source does not suit or its file is not as it should be.
  public let load: @Sendable (_ source: DatasetSource, _ device: Device) throws -> any FactorDataset
}

/// All data sets. A new one is a source file, an entry here and a test.
public enum DatasetRegistry {
  /// The entries, in the order of listings.
  public static let entries: [DatasetEntry] = [
    DatasetEntry(
      name: "dsprites",
      summary: "737,280 binary 64×64 images of 3 shapes in 6 sizes, 40 orientations and 32×32 positions; "
        + "drawn in memory, or read from `path` in the published HDF5 or NPZ layout",
      paper: "Matthey, Higgins, Hassabis, Lerchner 2017, https://github.com/deepmind/dsprites-dataset"
    ) { source, device in
      for (key, value) in [("images", source.images), ("factors", source.factors)] where value != nil {
        throw StructuredError(
          "the data set \"dsprites\" has no key \"\(key)\"", at: "dataset.\(key)",
          action: "Use the data set name \"file\" for files in another layout.")
      }
      return try source.path.map { try DSprites(file: $0, on: device) } ?? DSprites(renderedOn: device)
    },
    DatasetEntry(
      name: "file",
      summary: "images [N, H, W] or [N, H, W, C] and factors [N, K] from the arrays `images` and `factors` of the HDF5 "
        + "or NPZ file at `path`",
      paper: nil
    ) { source, device in
      guard let path = source.path else {
        throw StructuredError("the data set \"file\" needs a path", at: "dataset.path", expected: "an HDF5 or NPZ file")
      }
      return try ImageFile(path: path, images: source.images, factors: source.factors, on: device)
    },
  ]

  /// The entry of a name.
  ///
  /// - Throws: ``StructuredError`` that lists the names there are.
  public static func entry(named name: String) throws -> DatasetEntry {
    if let entry = entries.first(where: { $0.name == name }) { return entry }
    throw StructuredError(
      "there is no data set \"\(name)\"", at: "dataset.name",
      expected: entries.map(\.name).joined(separator: " or "))
  }
}
