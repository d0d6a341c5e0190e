import StrictConfiguration
import TensorCore

/// XYObject: one square in five sizes and 24 colours at 25 × 25 places of a black image of 64 × 64 (Michlo,
/// https://github.com/nmichlo/disent, version 0.3 and later).
///
/// Sides are 7, 9 … 15 pixels, places two pixels apart. The colours are red, yellow, green, cyan, blue and magenta in four
/// shades, the darkest six first.
public struct XYObject: FactorDataset {
  /// `xy-object`.
  public let name = "xy-object"
  /// Drawn when they are read.
  public let images: any ImageSource
  /// Horizontal and vertical place, scale and colour, as a full grid.
  public let factors: Factors

  /// The settings: none.
  public struct Configuration: DatasetConfiguration {
    /// Reads nothing.
    public init(from section: inout ConfigurationSection) throws {}
    /// Draws the images.
    public func open(on device: Device) throws -> any FactorDataset { try XYObject() }
    /// None.
    public var files: [String] { [] }
  }

  static let entry = DatasetEntry(
    name: "xy-object",
    summary: "75,000 64×64 colour images of a square in 5 sizes and 24 colours at 25×25 places, drawn",
    paper: "Michlo, disent, https://github.com/nmichlo/disent", configuration: Configuration.self)

  /// Red, yellow, green, cyan, blue, magenta.
  private static let hues: [[Int]] = [
    [255, 0, 0], [255, 255, 0], [0, 255, 0], [0, 255, 255], [0, 0, 255], [255, 0, 255],
  ]

  init() throws {
    let space = try FactorSpace([
      Factor("x", size: 25), Factor("y", size: 25), Factor("scale", size: 5),
      Factor("color", size: 24, kind: .categorical),
    ])
    factors = .grid(space)
    images = DrawnImages(count: space.count, shape: ImageShape(height: 64, width: 64, channels: 3), format: .bytes) {
      index, pixels in
      let values = space.values(at: index), side = 7 + 2 * values[2], margin = (15 - side) / 2
      let hue = Self.hues[values[3] % 6], shade = values[3] / 6 + 1
      pixels.fillSquare(
        x: 2 * values[0] + margin, y: 2 * values[1] + margin, side: side, width: 64, channels: 3
      ) { Float(hue[$0] * shade / 4) / 255 }
    }
  }
}
