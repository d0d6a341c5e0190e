import Diagnostics
import FileFormats
import StrictConfiguration
import TensorCore

/// 3D Shapes: 480,000 colour images of 64 × 64 pixels, an object of four shapes, eight sizes and ten hues in a room whose floor
/// and wall have ten hues each, from fifteen directions (Burgess & Kim 2018, https://github.com/google-deepmind/3d-shapes).
///
/// The published file `3dshapes.h5` has `images`, uint8 [480000, 64, 64, 3], and `labels`, float64 [480000, 6], the values of
/// the factors in the order of the grid.
public struct Shapes3D: FactorDataset {
  /// `shapes3d`.
  public let name = "shapes3d"
  /// In memory, one byte for each value: 5.9 GB; or read from the file.
  public let images: any ImageSource
  /// Hue of floor, wall and object, scale, shape and orientation, as a full grid.
  public let factors: Factors

  /// The factors, slowest first.
  public static let factors = [
    Factor("floor_hue", size: 10, kind: .cyclic), Factor("wall_hue", size: 10, kind: .cyclic),
    Factor("object_hue", size: 10, kind: .cyclic), Factor("scale", size: 8),
    Factor("shape", size: 4, kind: .categorical),
    Factor("orientation", size: 15),
  ]

  private static let labels = "labels"

  private static func grid(_ image: ImageShape) throws -> PublishedGrid {
    PublishedGrid(array: "images", space: try FactorSpace(factors), image: image)
  }

  /// Reads a file in the published layout into memory.
  ///
  /// - Throws: `StructuredError` when the file is missing, damaged or not in this layout.
  public init(file path: String, on device: Device) throws {
    try self.init(file: path, image: Self.published, loadingOn: device)
  }

  /// The extents of a published image.
  private static let published = ImageShape(height: 64, width: 64, channels: 3)

  /// Opens a file whose images may have other extents than the published ones, and loads them on a device if there is one.
  package init(file path: String, image: ImageShape, loadingOn device: Device?) throws {
    let file = try openArrayFile(path), grid = try Self.grid(image)
    // The table before the images: it is small, and tells a wrong file before gigabytes are read.
    if (try? file.information(grid.array)) != nil { try grid.check(file) }
    try grid.checkOrder(file, Self.labels)
    let onDisk = try grid.images(of: file)
    images = try device.map { try ImageStore(loading: onDisk, on: $0) } ?? onDisk
    factors = .grid(grid.space)
  }

  /// The settings.
  public struct Configuration: DatasetConfiguration {
    /// The file `3dshapes.h5`.
    public let path: String
    /// Reads `path`.
    public init(from section: inout ConfigurationSection) throws { path = try section.string("path") }
    /// Reads the file.
    public func open(on device: Device) throws -> any FactorDataset { try Shapes3D(file: path, on: device) }
    /// Opens the file.
    public func openOnDisk(largerThan bytes: Int, on device: Device) throws -> (any FactorDataset)? {
      let data = try Shapes3D(file: path, image: published, loadingOn: nil)
      return data.count * data.imageShape.count > bytes ? data : nil
    }
    /// The file.
    public var files: [String] { [path] }
  }

  static let entry = DatasetEntry(
    name: "shapes3d",
    summary: "480,000 64×64 colour images of an object in a room, from `path`, the published 3dshapes.h5",
    paper: "Burgess & Kim 2018, 3D Shapes Dataset, https://github.com/google-deepmind/3d-shapes",
    configuration: Configuration.self,
    publication: Publication(
      address: "https://github.com/google-deepmind/3d-shapes", licence: "Apache License 2.0",
      size: "3dshapes.h5; 5.9 GB in memory",
      howToObtain: "Download 3dshapes.h5 from the bucket that the repository's README names."),
    publishedFile: PublishedFile(
      recognizes: { path in
        guard let file = try? openArrayFile(path), let grid = try? grid(published)
        else { return false }
        return grid.fits(file)
      },
      open: { path, _ in try Shapes3D(file: path, image: published, loadingOn: nil) },
      verify: { path, _ in
        let file = try openArrayFile(path), grid = try grid(published)
        try grid.check(file)
        try grid.checkOrder(file, labels)
        return [
          .init("images", "images: \(try file.information("images").summary)"),
          .init("labels", "values of all factors in the order of the grid"),
        ]
      }))
}
