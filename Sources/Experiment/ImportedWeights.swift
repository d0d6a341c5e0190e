import StrictConfiguration

/// Where weights came from that were not trained here: section `imported` of a run's configuration.
///
/// A configuration with this section needs no sections `objective` and `training`: what is absent is not known. Nothing can
/// be trained by it.
public struct ImportedWeights: StrictlyDecodable, Codable, Sendable, Equatable {
  /// The name of the file they were in.
  public var file: String
  /// How that file named and ordered them.
  public var layout: WeightsLayout
  /// The CRC-32 of that file, eight hexadecimal digits.
  public var crc32: String

  /// Describes a file.
  public init(file: String, layout: WeightsLayout, crc32: String) {
    (self.file, self.layout, self.crc32) = (file, layout, crc32)
  }

  /// Reads `file`, `layout` and `crc32`.
  public init(from section: inout ConfigurationSection) throws {
    file = try section.string("file")
    layout = try section.choice("layout")
    crc32 = try section.string("crc32")
  }
}
