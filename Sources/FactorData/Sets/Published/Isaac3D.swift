import Diagnostics
import StrictConfiguration
import TensorCore

/// Isaac3D: rendered colour images of 128 × 128 pixels of a robot arm that holds an object in a kitchen (Nie et al. 2020,
/// arXiv:2003.03461, https://github.com/NVlabs/High-res-disentanglement-datasets).
///
/// A folder `Isaac3D_down128` has `images/000000.png` and so on, 737,280 images in the order of the grid, and `labels.npy`. The
/// order of the factors is that of the authors' program; the list in their README contradicts its own strides.
public struct Isaac3D: FactorDataset {
  /// `isaac3d`.
  public let name = "isaac3d"
  /// On disk: in memory they would take 36 GB.
  public let images: any ImageSource
  /// Object, robot arm, camera, light and colours, as a full grid.
  public let factors: Factors

  private static let grid = NumberedGrid(
    folder: "Isaac3D_down128", labels: "labels.npy",
    factors: [
      Factor("object_shape", size: 3, kind: .categorical), Factor("robot_x_movement", size: 8),
      Factor("robot_y_movement", size: 5), Factor("camera_height", size: 4), Factor("object_scale", size: 4),
      Factor("lighting_intensity", size: 4), Factor("lighting_y_dir", size: 6),
      Factor("object_color", size: 4, kind: .categorical), Factor("wall_color", size: 4, kind: .categorical),
    ])

  /// Opens the published folder, or the one that it is in.
  ///
  /// - Throws: `StructuredError` when a file is missing, damaged or not in this layout.
  public init(folder path: String) throws { try self.init(folder: path, isComplete: true) }

  /// Opens a folder with some of the first images, unless all are asked for.
  package init(folder path: String, isComplete: Bool) throws {
    (images, factors) = try Self.grid.open(path, isComplete: isComplete)
  }

  /// The settings.
  public struct Configuration: DatasetConfiguration {
    /// The folder.
    public let path: String
    /// Reads `path`.
    public init(from section: inout ConfigurationSection) throws { path = try section.string("path") }
    /// Opens the folder.
    public func open(on device: Device) throws -> any FactorDataset { try Isaac3D(folder: path) }
    /// The folder of images and the labels.
    public var files: [String] { grid.files(path) }
  }

  static let entry = DatasetEntry(
    name: "isaac3d",
    summary: "737,280 colour 128×128 images of a robot arm in a kitchen, from `path`, the folder Isaac3D_down128",
    paper: "Nie et al. 2020, arXiv:2003.03461, https://github.com/NVlabs/High-res-disentanglement-datasets",
    configuration: Configuration.self,
    publication: Publication(
      address: "https://github.com/NVlabs/High-res-disentanglement-datasets", licence: "CC BY 4.0",
      size: "a folder of 737,280 PNG files; 36.2 GB in memory",
      howToObtain: "Download and unpack the Isaac3D archive of 128×128 images that the repository's README links to."),
    publishedFile: grid.published { try Isaac3D(folder: $0) })
}

/// Falcor3D: rendered colour images of 128 × 128 pixels of a living room under different lights, from different places (Nie et
/// al. 2020, arXiv:2003.03461, https://github.com/NVlabs/High-res-disentanglement-datasets).
///
/// A folder `Falcor3D_down128` has `images/000000.png` and so on, 233,280 images in the order of the grid, and
/// `train-rec.labels`, which is a NumPy array.
public struct Falcor3D: FactorDataset {
  /// `falcor3d`.
  public let name = "falcor3d"
  /// On disk: in memory they would take 11.5 GB.
  public let images: any ImageSource
  /// Light and camera, as a full grid.
  public let factors: Factors

  private static let grid = NumberedGrid(
    folder: "Falcor3D_down128", labels: "train-rec.labels",
    factors: [
      Factor("lighting_intensity", size: 5), Factor("lighting_x_dir", size: 6), Factor("lighting_y_dir", size: 6),
      Factor("lighting_z_dir", size: 6), Factor("camera_x_pos", size: 6), Factor("camera_y_pos", size: 6),
      Factor("camera_z_pos", size: 6),
    ])

  /// Opens the published folder, or the one that it is in.
  ///
  /// - Throws: `StructuredError` when a file is missing, damaged or not in this layout.
  public init(folder path: String) throws { try self.init(folder: path, isComplete: true) }

  /// Opens a folder with some of the first images, unless all are asked for.
  package init(folder path: String, isComplete: Bool) throws {
    (images, factors) = try Self.grid.open(path, isComplete: isComplete)
  }

  /// The settings.
  public struct Configuration: DatasetConfiguration {
    /// The folder.
    public let path: String
    /// Reads `path`.
    public init(from section: inout ConfigurationSection) throws { path = try section.string("path") }
    /// Opens the folder.
    public func open(on device: Device) throws -> any FactorDataset { try Falcor3D(folder: path) }
    /// The folder of images and the labels.
    public var files: [String] { grid.files(path) }
  }

  static let entry = DatasetEntry(
    name: "falcor3d",
    summary: "233,280 colour 128×128 images of a living room, from `path`, the folder Falcor3D_down128",
    paper: "Nie et al. 2020, arXiv:2003.03461, https://github.com/NVlabs/High-res-disentanglement-datasets",
    configuration: Configuration.self,
    publication: Publication(
      address: "https://github.com/NVlabs/High-res-disentanglement-datasets", licence: "CC BY 4.0",
      size: "a folder of 233,280 PNG files; 11.5 GB in memory",
      howToObtain: "Download and unpack the Falcor3D archive of 128×128 images that the repository's README links to."),
    publishedFile: grid.published { try Falcor3D(folder: $0) })
}
