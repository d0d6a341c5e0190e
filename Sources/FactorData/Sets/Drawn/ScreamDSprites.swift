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
/// A picture of more than 274 rows or 350 columns is made smaller first, to fit them, by the bicubic filter, the one of Pillow's
/// `thumbnail` where none is named.
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
  /// - Throws: `StructuredError` when the picture cannot be read, or has less than 65 rows or columns once it fits.
  public init(of sprites: DSprites, picture path: String, seed: Int) throws {
    var original = try ImageHeader(reading: path).shape
    original.channels = 3
    let shape = Self.fitted(original)
    guard shape.height > Self.side, shape.width > Self.side else {
      throw StructuredError(
        "the picture has \(shape.height)×\(shape.width) pixels", at: path, expected: "more than 64 rows and columns")
    }
    var bytes = [UInt8](repeating: 0, count: original.count)
    try ImageDecoder().decode(path, shape: original, into: &bytes)
    if shape != original { bytes = Self.resized(bytes, original, shape) }
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

  /// The extents of a picture that fits the largest ones, with its own proportions as nearly as whole numbers permit.
  static func fitted(_ shape: ImageShape) -> ImageShape {
    guard shape.height > largest.height || shape.width > largest.width else { return shape }
    let aspect = Double(shape.width) / Double(shape.height)
    func nearest(_ length: Double, _ difference: (Double) -> Double) -> Int {
      let low = max(1, length.rounded(.down)), high = max(1, length.rounded(.up))
      return Int(difference(high) < difference(low) ? high : low)
    }
    let (height, width) = (Double(largest.height), Double(largest.width))
    if width / height >= aspect {
      let fit = nearest(height * aspect) { abs(aspect - $0 / height) }
      return ImageShape(height: largest.height, width: fit, channels: shape.channels)
    }
    let fit = nearest(width / aspect) { abs(aspect - width / $0) }
    return ImageShape(height: fit, width: largest.width, channels: shape.channels)
  }

  private static func resized(_ bytes: [UInt8], _ old: ImageShape, _ new: ImageShape) -> [UInt8] {
    let resampling = Resampling(from: old, toHeight: new.height, width: new.width, by: .bicubic)
    var result = [Float](repeating: 0, count: new.count),
      scratch = [Float](repeating: 0, count: resampling.scratchCount)
    resampling.resize(bytes.map(Float.init), into: &result, scratch: &scratch)
    return result.map { UInt8(max(0, min(255, $0.rounded()))) }
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
