import Diagnostics
import FileFormats
import StrictConfiguration
import TensorCore

/// MPI3D: colour images of 64 × 64 pixels of a robot arm that holds an object, drawn simply (`toy`), drawn realistically
/// (`realistic`) or photographed (`real`; `real-complex` with other objects) (Gondal et al. 2019, arXiv:1906.03292,
/// https://github.com/rr-learning/disentanglement_dataset).
///
/// The published NPZ files have one array `images`, uint8 [N, 64, 64, 3], in the order of the grid: 1,036,800 images, or
/// 460,800 of `real-complex`, which has four colours and four shapes instead of six.
public struct MPI3D: FactorDataset {
  /// Which of the four files.
  public enum Variant: String, CaseIterable, Sendable {
    /// Simply drawn.
    case toy
    /// Realistically drawn.
    case realistic
    /// Photographed.
    case real
    /// Photographed, with other objects.
    case realComplex = "real-complex"
  }

  /// `mpi3d`.
  public let name = "mpi3d"
  /// In memory, one byte for each value: 12.7 GB, or 5.7 GB of `real-complex`; or read from the file.
  public let images: any ImageSource
  /// Colour, shape and size of the object, height of the camera, colour of the background, and both axes of the arm.
  public let factors: Factors

  private static func grid(_ variant: Variant, _ image: ImageShape) throws -> PublishedGrid {
    let kinds = variant == .realComplex ? 4 : 6
    let factors = [
      Factor("object_color", size: kinds, kind: .categorical), Factor("object_shape", size: kinds, kind: .categorical),
      Factor("object_size", size: 2), Factor("camera_height", size: 3),
      Factor("background_color", size: 3, kind: .categorical), Factor("horizontal_axis", size: 40),
      Factor("vertical_axis", size: 40),
    ]
    return PublishedGrid(array: "images", space: try FactorSpace(factors), image: image)
  }

  /// The extents of a published image.
  private static let published = ImageShape(height: 64, width: 64, channels: 3)

  /// Reads a file in the published layout into memory.
  ///
  /// - Throws: `StructuredError` when the file is missing, damaged or not in this layout.
  public init(_ variant: Variant, file path: String, on device: Device) throws {
    try self.init(variant, file: path, image: Self.published, loadingOn: device)
  }

  /// Opens a file whose images may have other extents than the published ones, and loads them on a device if there is one.
  package init(_ variant: Variant, file path: String, image: ImageShape, loadingOn device: Device?) throws {
    let grid = try Self.grid(variant, image), onDisk = try grid.images(of: openArrayFile(path))
    images = try device.map { try ImageStore(loading: onDisk, on: $0) } ?? onDisk
    factors = .grid(grid.space)
  }

  /// The settings.
  public struct Configuration: DatasetConfiguration {
    /// The NPZ file.
    public let path: String
    /// Which of the four it is.
    public let kind: Variant
    /// Reads `path` and `variant`.
    public init(from section: inout ConfigurationSection) throws {
      path = try section.string("path")
      kind = try section.choice("variant", default: .toy)
    }
    /// Reads the file.
    public func open(on device: Device) throws -> any FactorDataset { try MPI3D(kind, file: path, on: device) }
    /// Opens the file.
    public func openOnDisk(largerThan bytes: Int, on device: Device) throws -> (any FactorDataset)? {
      let data = try MPI3D(kind, file: path, image: published, loadingOn: nil)
      return data.count * data.imageShape.count > bytes ? data : nil
    }
    /// The file.
    public var files: [String] { [path] }
    /// Which of the four.
    public var variant: String { kind.rawValue }
  }

  /// The variant of the count of a file's images; toy for the three that have the same.
  private static func variant(of path: String) -> Variant? {
    guard let file = try? openArrayFile(path) else { return nil }
    return [.toy, .realComplex].first { (try? grid($0, published).fits(file)) == true }
  }

  static let entry = DatasetEntry(
    name: "mpi3d",
    summary:
      "1,036,800 (of real-complex 460,800) 64×64 colour images of a robot arm, from `path`, a published NPZ file",
    paper: "Gondal et al. 2019, arXiv:1906.03292, https://github.com/rr-learning/disentanglement_dataset",
    configuration: Configuration.self,
    publication: Publication(
      address: "https://github.com/rr-learning/disentanglement_dataset", licence: "CC BY 4.0",
      size: "mpi3d_toy.npz, mpi3d_realistic.npz, mpi3d_real.npz: 12.7 GB in memory; "
        + "real3d_complicated_shapes_ordered.npz: 5.7 GB",
      howToObtain: "Download the NPZ file that the repository's README links to."),
    publishedFile: PublishedFile(
      recognizes: { variant(of: $0) != nil },
      open: { path, _ in try MPI3D(variant(of: path) ?? .toy, file: path, image: published, loadingOn: nil) },
      verify: { path, _ in
        let file = try openArrayFile(path), variant = variant(of: path) ?? .toy, grid = try grid(variant, published)
        try grid.check(file)
        return [
          .init("images", "images: \(try file.information("images").summary)"),
          .init(
            "factors",
            variant == .toy ? "6 colours, 6 shapes: toy, realistic or real" : "4 colours, 4 shapes: real-complex"),
        ]
      }))
}
