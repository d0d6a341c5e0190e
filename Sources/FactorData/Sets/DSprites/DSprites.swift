import TensorCore

/// dSprites: 737,280 binary images of 64 × 64 pixels, a sprite of three shapes in six sizes, forty orientations and
/// 32 × 32 positions (Matthey, Higgins, Hassabis and Lerchner 2017, https://github.com/deepmind/dsprites-dataset).
///
/// It comes drawn (``init(renderedOn:)``) or from a file in the published layout (``init(file:on:)``); both are the same
/// kind of thing afterwards. Orientation 39 shows the same as orientation 0 (2π and 0).
public struct DSprites: FactorDataset {
  /// `dsprites`.
  public let name = "dsprites"
  /// The images, one bit per pixel.
  public let images: ImageStore

  /// The number of images.
  public static let count = 737_280
  /// The extents of an image.
  public static let imageShape = ImageShape(height: 64, width: 64)
  /// The factors, slowest first. (The published file has a sixth, the colour, with one value.)
  public static let factors = [
    Factor("shape", size: 3), Factor("scale", size: 6), Factor("orientation", size: 40), Factor("posX", size: 32),
    Factor("posY", size: 32),
  ]

  /// The factors, slowest first.
  public var factors: [Factor] { Self.factors }
  /// Shape, scale, orientation, horizontal and vertical position.
  public let factorSpace: FactorSpace?

  private let space: FactorSpace

  /// Draws all images, on all threads of a device.
  public init(renderedOn device: Device) throws {
    let images = try ImageStore(count: Self.count, shape: Self.imageShape, format: .bits)
    let renderer = DSpritesRenderer()
    // Hearts take longest and come last in the data; begin with them so that the threads end together.
    try device.forEachItem(3 * 6 * 40) { _, item in
      let unit = 3 * 6 * 40 - 1 - item
      renderer.draw(
        shape: unit / 240, scale: unit / 40 % 6, orientation: unit % 40, into: images.rows(at: unit * 1024))
    }
    try self.init(images: images)
  }

  init(images: ImageStore) throws {
    self.images = images
    space = try FactorSpace(Self.factors)
    factorSpace = space
  }

  /// The values of the factors of one image.
  public func factors(at index: Int) -> [Int] { space.values(at: index) }
}
