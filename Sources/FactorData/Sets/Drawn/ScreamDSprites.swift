import Diagnostics
import FileFormats
import StrictConfiguration
import TensorCore

/// dSprites before a piece of a picture, whose colours are inverted where the sprite is (Locatello et al. 2019,
/// arXiv:1811.12359, as in disentanglement_lib, whose picture is Munch's The Scream).
///
///     b = (piece + c) / 2,   piece: 64 × 64 pixels of the picture at a random place,   c ~ U(0, 1)³ for each image
///     x = 1 − b at the sprite, b elsewhere
///
/// Place and colour of an image are a function of the seed and its number, so that an image is the same whenever it is read. In
/// the library they are drawn anew each time. As there, the last row and column of the picture are never seen.
public struct ScreamDSprites: FactorDataset {
  /// `scream-dsprites`.
  public let name = "scream-dsprites"
  /// Drawn when they are read, from sprites in memory.
  public let images: any ImageSource
  /// Those of dSprites.
  public let factors: Factors

  /// The largest extents of a picture.
  private static let largest = (height: 274, width: 350)
  private static let side = 64

  /// Makes the variant of a seed from the images of dSprites and a picture.
  ///
  /// - Throws: `StructuredError` when the picture cannot be read, or is smaller than 65 × 65 or larger than 274 × 350 pixels.
  public init(of sprites: DSprites, picture path: String, seed: Int) throws {
    var shape = try ImageHeader(reading: path).shape
    shape.channels = 3
    guard shape.height > Self.side, shape.width > Self.side else {
      throw StructuredError(
        "the picture has \(shape.height)×\(shape.width) pixels", at: path, expected: "more than 64 rows and columns")
    }
    guard shape.height <= Self.largest.height, shape.width <= Self.largest.width else {
      throw StructuredError(
        "the picture has \(shape.height)×\(shape.width) pixels", at: path,
        expected: "at most \(Self.largest.height)×\(Self.largest.width)",
        action: "Scale it down to 350 columns or 274 rows, whichever is less, by the Lanczos filter.")
    }
    var bytes = [UInt8](repeating: 0, count: shape.count)
    try ImageDecoder().decode(path, shape: shape, into: &bytes)
    let picture = bytes.map { Float($0) / 255 }, extents = shape, side = Self.side, store = sprites.store
    let stream = RandomStream(seed: UInt64(seed)).split("scream-dsprites")
    factors = sprites.factors
    images = DrawnImages(
      count: store.count, shape: ImageShape(height: side, width: side, channels: 3), format: .floats
    ) { index, pixels in
      var stream = stream.split("image", index)
      let top = stream.integer(below: extents.height - side), left = stream.integer(below: extents.width - side)
      let color = (0..<3).map { _ in Float(stream.uniform()) }, rows = store.rows(at: index)
      for row in 0..<side {
        for column in 0..<side {
          let source = ((top + row) * extents.width + left + column) * 3, target = (row * side + column) * 3
          let isLit = rows[row] >> UInt64(column) & 1 == 1
          for channel in 0..<3 {
            let background = (picture[source + channel] + color[channel]) / 2
            pixels[target + channel] = isLit ? 1 - background : background
          }
        }
      }
    }
  }

  /// The settings.
  public struct Configuration: DatasetConfiguration {
    private let sprites: DSprites.Configuration
    private let picture: String
    private let seed: Int

    /// Reads `picture`, `path` and `seed`.
    public init(from section: inout ConfigurationSection) throws {
      picture = try section.string("picture")
      sprites = try DSprites.Configuration(from: &section)
      seed = try section.integer("seed", default: 0, in: .atLeast(0))
    }
    /// Draws or reads the sprites, and reads the picture.
    public func open(on device: Device) throws -> any FactorDataset {
      guard let dsprites = try sprites.open(on: device) as? DSprites else {
        throw StructuredError("these are not dSprites", at: sprites.path)
      }
      return try ScreamDSprites(of: dsprites, picture: picture, seed: seed)
    }
    /// The picture and the file of sprites, where there is one.
    public var files: [String] { [picture] + sprites.files }
    /// The seed.
    public var variant: String { "seed \(seed)" }
  }

  static let entry = DatasetEntry(
    name: "scream-dsprites",
    summary: "dSprites before pieces of the PNG or JPEG file `picture`, a function of `seed` and the image",
    paper: "Locatello et al. 2019, arXiv:1811.12359", configuration: Configuration.self)
}
