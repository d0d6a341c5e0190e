import Diagnostics
import StrictConfiguration
import TensorCore

/// The settings of a data set: its own section of the configuration, without the key `name`.
public protocol DatasetConfiguration: StrictlyDecodable, Sendable {
  /// Opens the data set on the threads of a device.
  ///
  /// - Throws: `StructuredError` when a file is missing, damaged, or not as it should be.
  func open(on device: Device) throws -> any FactorDataset

  /// Opens the data set without loading its images, where these would take more than a number of bytes in memory and can be
  /// read from disk (``DiskImages``); nil where ``open(on:)`` is the way. By default nil.
  ///
  /// - Throws: as ``open(on:)``.
  func openOnDisk(largerThan bytes: Int, on device: Device) throws -> (any FactorDataset)?

  /// The files that the images are read from. As long as these and ``variant`` stay the same, so do the images.
  var files: [String] { get }

  /// What else decides which images these are, as the name of an array or a seed, as text; empty where nothing does.
  var variant: String { get }
}

extension DatasetConfiguration {
  /// Empty: nothing but the files decides.
  public var variant: String { "" }
  /// Nil: the images are loaded, or on disk in any case.
  public func openOnDisk(largerThan bytes: Int, on device: Device) throws -> (any FactorDataset)? { nil }
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
  /// Where it is published; nil for what is drawn, and for anybody's files.
  public let publication: Publication?
  /// What is known of the file in which it was published; nil where there is none.
  public let publishedFile: PublishedFile?

  /// Makes an entry.
  public init(
    name: String, summary: String, paper: String? = nil, configuration: any DatasetConfiguration.Type,
    publication: Publication? = nil, publishedFile: PublishedFile? = nil
  ) {
    (self.name, self.summary, self.paper) = (name, summary, paper)
    (self.configuration, self.publication, self.publishedFile) = (configuration, publication, publishedFile)
  }
}

/// Where a data set is published, and how a person obtains it.
public struct Publication: Sendable, Equatable {
  /// The address of the publication.
  public let address: String
  /// The licence that it states.
  public let licence: String
  /// Its files, and how much memory its images take.
  public let size: String
  /// What to do.
  public let howToObtain: String

  /// Describes a publication.
  public init(address: String, licence: String, size: String, howToObtain: String) {
    (self.address, self.licence, self.size, self.howToObtain) = (address, licence, size, howToObtain)
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

  /// Whether a file, or a folder of files, looks like one of them.
  public let recognizes: @Sendable (_ path: String) -> Bool
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
    recognizes: @escaping @Sendable (_ path: String) -> Bool,
    open: @escaping @Sendable (_ path: String, _ device: Device) throws -> any FactorDataset,
    verify: @escaping @Sendable (_ path: String, _ device: Device) throws -> [Finding],
    render: Render? = nil
  ) {
    (self.recognizes, self.open, self.verify, self.render) = (recognizes, open, verify, render)
  }
}

extension Registry<DatasetEntry> {
  /// The data sets that come with the package. A new one is a source file in `Sets`, an entry here and a test.
  public static let standard = Registry(
    "a data set",
    [DSprites.entry, ImageFile.entry, Shapes3D.entry, MPI3D.entry, Cars3D.entry, SmallNORB.entry] + MNIST.entries
      + [Isaac3D.entry, Falcor3D.entry, CelebA.entry] + DSpritesVariant.entries
      + [ScreamDSprites.entry, XYSquares.entry, XYObject.entry])
}

/// The section `dataset` of a configuration: the name of a registry entry and the settings of its type.
public struct DatasetChoice: StrictlyDecodable, Sendable {
  /// The registry entry.
  public let entry: DatasetEntry
  /// Its settings.
  public let settings: any DatasetConfiguration
  /// Which images training sees, and how often; nil for all, equally often.
  public let sampling: ImageSampling?
  /// Their size, and how much memory they may take.
  public let placement: ImagePlacement

  /// Reads `name` and the settings, with the standard registry.
  ///
  /// - Throws: `StructuredError` for an unknown name or key, or a value that does not suit.
  public init(from section: inout ConfigurationSection) throws { try self.init(from: &section, registry: .standard) }

  /// Reads `name`, `sampling`, `resize` and `memory` where they are there, and the settings. `memory` is in gigabytes, 10⁹ bytes.
  ///
  /// - Parameters:
  ///   - section: the section. Without a name it means the first entry.
  ///   - registry: the data sets that can be named.
  /// - Throws: `StructuredError` for an unknown name or key, or a value that does not suit.
  public init(from section: inout ConfigurationSection, registry: Registry<DatasetEntry>) throws {
    let name = try section.choice("name", among: registry.names, default: registry.names.first)
    entry = try registry.entry(named: name, at: section.fullPath("name"))
    sampling = section.contains("sampling") ? try section.section("sampling") : nil
    let resizing: ImagePlacement.Resizing? = section.contains("resize") ? try section.section("resize") : nil
    let memory = section.contains("memory") ? try section.number("memory", in: .within(0...1e9)) * 1e9 : nil
    placement = ImagePlacement(resizing: resizing, memory: memory.map { Int($0) } ?? ImagePlacement.standardMemory)
    settings = try entry.configuration.init(from: &section)
  }

  /// The name of the registry entry.
  public var name: String { entry.name }
  /// The files that the images are read from.
  public var files: [String] { settings.files }

  /// What else decides which images these are: the variant of the settings, and the resizing.
  public var variant: String {
    let resized = placement.resizing.map { "resized to \($0.size) by \($0.filter.rawValue)" }
    return [settings.variant, resized ?? ""].filter { !$0.isEmpty }.joined(separator: ", ")
  }

  /// How training draws images of the opened data set.
  ///
  /// - Throws: `StructuredError` if the section `sampling` does not fit its factors.
  public func distribution(of dataset: any FactorDataset, stream: RandomStream) throws -> ImageDistribution {
    try sampling?.distribution(of: dataset.factors, count: dataset.count, stream: stream.split("sampling"))
      ?? ImageDistribution(all: dataset.count)
  }

  /// Opens the data set.
  ///
  /// - Throws: `StructuredError` when a file is missing, damaged, or not as it should be, or the factors do not cover the
  ///   images.
  public func open(on device: Device) throws -> any FactorDataset {
    let dataset = try placement.open(settings, on: device)
    try dataset.validate()
    return dataset
  }

  /// Opens the data set to go through its images once, in order: they stay on disk where they can.
  ///
  /// - Throws: as ``open(on:)``.
  public func openForOnePass(on device: Device) throws -> any FactorDataset {
    let dataset = placement.resized(
      try settings.openOnDisk(largerThan: 0, on: device) ?? settings.open(on: device))
    try dataset.validate()
    return dataset
  }
}
