import Diagnostics

/// Originals above their reconstructions, one column for each image.
///
/// Long stacks continue in further pairs of rows, so that the figure stays as wide as a page.
public struct ReconstructionFigure: Sendable {
  private static let columns = 10

  private let data: ImageStack
  private let reconstructions: ImageStack

  /// Describes the figure of N images and their N reconstructions of the same shape.
  ///
  /// - Throws: `StructuredError` if there are none, or the shapes differ.
  public init(data: ImageStack, reconstructions: ImageStack) throws {
    guard data.count > 0 else { throw StructuredError("there are no images to draw") }
    func shape(_ stack: ImageStack) -> [Int] { [stack.count, stack.height, stack.width, stack.channels] }
    guard shape(data) == shape(reconstructions) else {
      throw StructuredError(
        "images of shape \(shape(data)) have reconstructions of shape \(shape(reconstructions))",
        expected: "equal shapes")
    }
    self.data = data
    self.reconstructions = reconstructions
  }

  /// Draws the figure.
  public func draw() -> Figure {
    let columns = min(Self.columns, data.count), pairs = (data.count + columns - 1) / columns
    var grid = ImageGrid(
      name: "reconstructions", title: "Reconstructions",
      caption: "\(data.count) images drawn at random from the data, above p(x|z) at the mean of q(z|x).", images: data,
      columns: columns, rows: 2 * pairs, rowsPerGroup: 2,
      rowLabels: (0..<2 * pairs).map { .init(name: $0 % 2 == 0 ? "data" : "model") })
    for index in 0..<data.count {
      let (group, column) = (index / columns, index % columns)
      grid.draw(data, image: index, row: 2 * group, column: column)
      grid.draw(reconstructions, image: index, row: 2 * group + 1, column: column)
    }
    return grid.figure
  }
}
