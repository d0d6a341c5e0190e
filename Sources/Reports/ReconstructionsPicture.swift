import FileFormats
import Foundation
import TensorCore

/// Originals above their reconstructions, one column for each image.
///
/// Long stacks go on in further pairs of rows, so that the picture stays as wide as a page.
public struct ReconstructionsPicture {
  private static let columns = 12
  private static let labelSize = 18.0

  private let data: ImageStack
  private let reconstructions: ImageStack

  /// Makes the picture of N images and their N reconstructions of the same shape.
  ///
  /// - Throws: ``StructuredError`` if there are none, or the shapes differ.
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

  /// Draws the picture.
  public func draw() throws -> Canvas {
    let labels = ["data", "reconstruction"]
    let grid = try PictureGrid(
      images: data, columns: min(Self.columns, data.count),
      rows: 2 * ((data.count + Self.columns - 1) / Self.columns), rowsPerGroup: 2,
      rowLabels: labels.map { [PictureGrid.Label($0, size: Self.labelSize)] }, columnLabels: [])
    for index in 0..<data.count {
      let (group, column) = (index / Self.columns, index % Self.columns)
      grid.draw(data, image: index, row: 2 * group, column: column)
      grid.draw(reconstructions, image: index, row: 2 * group + 1, column: column)
    }
    for row in 0..<grid.rows { grid.label(row: row, [PictureGrid.Label(labels[row % 2], size: Self.labelSize)]) }
    return grid.canvas
  }

  /// Draws the picture and writes it as a PNG file.
  public func write(to path: String) throws { try AtomicFile.write(try draw().png(), to: path) }
}
