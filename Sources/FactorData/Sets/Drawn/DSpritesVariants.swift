import Diagnostics
import StrictConfiguration
import TensorCore

/// Colour images made of dSprites with a nuisance that no factor describes (Locatello et al. 2019, arXiv:1811.12359, as in
/// disentanglement_lib): a random colour of the sprite, or noise behind it.
///
///     color:  x = sprite · c,            c ~ U(½, 1)³ for each image
///     noisy:  x = min(sprite + u, 1),    u ~ U(0, 1) for each pixel and channel
///
/// The nuisance of an image is a function of the seed and its number, so that an image is the same whenever it is read. In
/// the library it is drawn anew each time.
public struct DSpritesVariant: FactorDataset {
  /// The kind of nuisance.
  public enum Kind: String, Sendable {
    /// A colour for each sprite.
    case color = "color-dsprites"
    /// A background of noise.
    case noisy = "noisy-dsprites"
  }

  /// `color-dsprites` or `noisy-dsprites`.
  public let name: String
  /// Drawn when they are read, from sprites in memory.
  public let images: any ImageSource
  /// Those of dSprites.
  public let factors: Factors

  /// Makes the variant of a seed from the images of dSprites.
  public init(_ kind: Kind, of sprites: DSprites, seed: Int) {
    name = kind.rawValue
    factors = sprites.factors
    let stream = RandomStream(seed: UInt64(seed)).split(kind.rawValue), store = sprites.store
    let shape = ImageShape(height: 64, width: 64, channels: 3)
    images = DrawnImages(count: store.count, shape: shape, format: .floats) { index, pixels in
      var stream = stream.split("image", index)
      let color: [Float] = kind == .color ? (0..<3).map { _ in Float(0.5 + 0.5 * stream.uniform()) } : []
      let rows = store.rows(at: index)
      for pixel in 0..<64 * 64 {
        let isLit = rows[pixel / 64] >> UInt64(pixel % 64) & 1 == 1
        for channel in 0..<3 {
          let value: Float
          switch kind {
          case .color: value = isLit ? color[channel] : 0
          // Noise is drawn at every pixel, so that it does not depend on the sprite.
          case .noisy:
            let noise = Float(stream.uniform())
            value = isLit ? 1 : noise
          }
          pixels[3 * pixel + channel] = value
        }
      }
    }
  }

  /// The settings of both variants.
  struct Settings: Sendable {
    let sprites: DSprites.Configuration
    let seed: Int

    init(from section: inout ConfigurationSection) throws {
      sprites = try DSprites.Configuration(from: &section)
      seed = try section.integer("seed", default: 0, in: .atLeast(0))
    }

    func open(_ kind: Kind, on device: Device) throws -> any FactorDataset {
      guard let dsprites = try sprites.open(on: device) as? DSprites else {
        throw StructuredError("these are not dSprites", at: sprites.path)
      }
      return DSpritesVariant(kind, of: dsprites, seed: seed)
    }
  }

  /// The settings of `color-dsprites`.
  public struct Color: DatasetConfiguration {
    private let settings: Settings
    /// Reads `path` and `seed`.
    public init(from section: inout ConfigurationSection) throws { settings = try Settings(from: &section) }
    /// Draws or reads the sprites.
    public func open(on device: Device) throws -> any FactorDataset { try settings.open(.color, on: device) }
    /// The file of sprites, where there is one.
    public var files: [String] { settings.sprites.files }
    /// The seed.
    public var variant: String { "seed \(settings.seed)" }
  }

  /// The settings of `noisy-dsprites`.
  public struct Noisy: DatasetConfiguration {
    private let settings: Settings
    /// Reads `path` and `seed`.
    public init(from section: inout ConfigurationSection) throws { settings = try Settings(from: &section) }
    /// Draws or reads the sprites.
    public func open(on device: Device) throws -> any FactorDataset { try settings.open(.noisy, on: device) }
    /// The file of sprites, where there is one.
    public var files: [String] { settings.sprites.files }
    /// The seed.
    public var variant: String { "seed \(settings.seed)" }
  }

  static let entries = [
    DatasetEntry(
      name: Kind.color.rawValue,
      summary: "dSprites in colour: each sprite has a random colour, a function of `seed` and the image",
      paper: "Locatello et al. 2019, arXiv:1811.12359", configuration: Color.self),
    DatasetEntry(
      name: Kind.noisy.rawValue,
      summary: "dSprites before a background of colour noise, a function of `seed` and the image",
      paper: "Locatello et al. 2019, arXiv:1811.12359", configuration: Noisy.self),
  ]
}
