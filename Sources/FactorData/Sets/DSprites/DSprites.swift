import TensorCore

/// dSprites: 737,280 binary images of 64 × 64 pixels, a sprite of three shapes in six sizes, forty orientations and
/// 32 × 32 positions (Matthey, Higgins, Hassabis and Lerchner 2017, https://github.com/deepmind/dsprites-dataset).
///
/// The images are rendered (``init(renderedOn:)``) or read from a file in the published layout (``init(file:on:)``).
/// Orientation 39 shows the same as orientation 0 (2π and 0).
public struct DSprites: FactorDataset {
  /// `dsprites`.
  public let name = "dsprites"
  /// The images in memory, one bit per pixel.
  public let store: ImageStore
  /// Shape, scale, orientation, horizontal and vertical position, as a full grid.
  public let factors: Factors

  /// The number of images.
  public static let count = 737_280
  /// The extents of an image.
  public static let imageShape = ImageShape(height: 64, width: 64)
  /// The factors, slowest first. (The published file has a sixth, the colour, with one value.)
  public static let factors = [
    Factor("shape", size: 3, kind: .categorical), Factor("scale", size: 6),
    Factor("orientation", size: 40, kind: .cyclic), Factor("posX", size: 32), Factor("posY", size: 32),
  ]

  /// The images.
  public var images: any ImageSource { store }

  /// Renders all images, on all threads of a device.
  ///
  /// - Throws: `StructuredError` when there is not enough memory.
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
    store = images
    factors = .grid(try FactorSpace(Self.factors))
  }
}
