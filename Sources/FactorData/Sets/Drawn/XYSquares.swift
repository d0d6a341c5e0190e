import StrictConfiguration
import TensorCore

/// XYSquares: three squares of 8 × 8 pixels, a red, a green and a blue one, each at 8 × 8 places of a black image of 64 × 64
/// (Michlo, https://github.com/nmichlo/disent).
///
/// The squares of a colour do not overlap, so that two images have the same distance in pixels wherever their squares are:
/// a reconstruction loss says nothing about which places are near.
public struct XYSquares: FactorDataset {
  /// `xy-squares`.
  public let name = "xy-squares"
  /// Drawn when they are read.
  public let images: any ImageSource
  /// Horizontal and vertical place of the red, the green and the blue square, as a full grid.
  public let factors: Factors

  /// The settings: none.
  public struct Configuration: DatasetConfiguration {
    /// Reads nothing.
    public init(from section: inout ConfigurationSection) throws {}
    /// Draws the images.
    public func open(on device: Device) throws -> any FactorDataset { try XYSquares() }
    /// None.
    public var files: [String] { [] }
  }

  static let entry = DatasetEntry(
    name: "xy-squares",
    summary: "262,144 binary 64×64 colour images of a red, a green and a blue square at 8×8 places each, drawn",
    paper: "Michlo, disent, https://github.com/nmichlo/disent", configuration: Configuration.self)

  init() throws {
    let space = try FactorSpace(["x_R", "y_R", "x_G", "y_G", "x_B", "y_B"].map { Factor($0, size: 8) })
    factors = .grid(space)
    images = DrawnImages(count: space.count, shape: ImageShape(height: 64, width: 64, channels: 3), format: .bits) {
      index, pixels in
      let places = space.values(at: index)
      for color in 0..<3 {
        pixels.fillSquare(x: 8 * places[2 * color], y: 8 * places[2 * color + 1], side: 8, width: 64, channels: 3) {
          $0 == color ? 1 : nil
        }
      }
    }
  }
}
