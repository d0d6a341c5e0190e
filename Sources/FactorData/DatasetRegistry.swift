import Diagnostics
import FileFormats
import StrictConfiguration
import TensorCore

/// The settings of a data set: its own section of the configuration, without the key `name`.
public protocol DatasetConfiguration: StrictlyDecodable, Sendable {
  /// Opens the data set on the threads of a device.
  ///
  /// - Throws: `StructuredError` when a file is missing, damaged, or not as it should be.
  func open(on device: Device) throws -> any FactorDataset

  /// The files that the images are read from. As long as these and ``variant`` stay the same, so do the images.
  var files: [String] { get }

  /// What else decides which images these are, as the name of an array or a seed, as text; empty where nothing does.
  var variant: String { get }
}

extension DatasetConfiguration {
  /// Empty: nothing but the files decides.
  public var variant: String { "" }
}

/// A data set that configurations can name.
public struct DatasetEntry: RegistryEntry {
  /// The name.
  public let name: String
  /// A description in one line.
  public let summary: String
  /// Where it was published.
  public let paper: String?
  /// The type of its settings.
  public let configuration: any DatasetConfiguration.Type
  /// What is known of the file in which it was published; nil where there is none.
  public let publishedFile: PublishedFile?

  /// Makes an entry.
  public init(
    name: String, summary: String, paper: String? = nil, configuration: any DatasetConfiguration.Type,
    publishedFile: PublishedFile? = nil
  ) {
    (self.name, self.summary, self.paper) = (name, summary, paper)
    (self.configuration, self.publishedFile) = (configuration, publishedFile)
  }
}

/// What can be done with files in the layout in which a data set was published.
public struct PublishedFile: Sendable {
  /// What the check of a part of a file found.
  public struct Finding: Sendable, Equatable {
    /// The part.
    public var label: String
    /// What was found.
    public var text: String
    /// Whether the part is as published.
    public var isAsPublished: Bool

    /// Describes a finding.
    public init(_ label: String, _ text: String, isAsPublished: Bool = true) {
      (self.label, self.text, self.isAsPublished) = (label, text, isAsPublished)
    }
  }

  /// Whether a file of arrays looks like one of them.
  public let recognizes: @Sendable (_ file: any ArrayFile) -> Bool
  /// Opens a file.
  public let open: @Sendable (_ path: String, _ device: Device) throws -> any FactorDataset
  /// Checks a file and returns what was found; throws `StructuredError` when the file has another structure.
  public let verify: @Sendable (_ path: String, _ device: Device) throws -> [Finding]
  /// Renders the data set into a file and returns the number of images; nil where it cannot be rendered.
  public let render: Render?

  /// Renders a data set into a file, calling `progress` with the part that is done, from 0 to 1.
  public typealias Render =
    @Sendable (
      _ path: String, _ overwrite: Bool, _ device: Device, _ progress: (Double) -> Void
    ) throws -> Int

  /// Describes a layout.
  public init(
    recognizes: @escaping @Sendable (_ file: any ArrayFile) -> Bool,
    open: @escaping @Sendable (_ path: String, _ device: Device) throws -> any FactorDataset,
    verify: @escaping @Sendable (_ path: String, _ device: Device) throws -> [Finding],
    render: Render? = nil
  ) {
    (self.recognizes, self.open, self.verify, self.render) = (recognizes, open, verify, render)
  }
}

extension Registry<DatasetEntry> {
  /// The data sets that come with the package. A new one is a source file in `Sets`, an entry here and a test.
  public static let standard = Registry("a data set", [DSprites.entry, ImageFile.entry])
}

/// The section `dataset` of a configuration: the name of a registry entry and the settings of its type.
public struct DatasetChoice: StrictlyDecodable, Sendable {
  /// The registry entry.
  public let entry: DatasetEntry
  /// Its settings.
  public let settings: any DatasetConfiguration

  /// Reads `name` and the settings, with the standard registry.
  ///
  /// - Throws: `StructuredError` for an unknown name or key, or a value that does not suit.
  public init(from section: inout ConfigurationSection) throws { try self.init(from: &section, registry: .standard) }

  /// Reads `name` and the settings.
  ///
  /// - Parameters:
  ///   - section: the section. Without a name it means the first entry.
  ///   - registry: the data sets that can be named.
  /// - Throws: `StructuredError` for an unknown name or key, or a value that does not suit.
  public init(from section: inout ConfigurationSection, registry: Registry<DatasetEntry>) throws {
    let name = try section.choice("name", among: registry.names, default: registry.names.first)
    entry = try registry.entry(named: name, at: section.fullPath("name"))
    settings = try entry.configuration.init(from: &section)
  }

  /// The name of the registry entry.
  public var name: String { entry.name }
  /// The files that the images are read from.
  public var files: [String] { settings.files }

  /// Opens the data set.
  ///
  /// - Throws: `StructuredError` when a file is missing, damaged, or not as it should be, or the factors do not cover the
  ///   images.
  public func open(on device: Device) throws -> any FactorDataset {
    let dataset = try settings.open(on: device)
    try dataset.validate()
    return dataset
  }
}
