/// Images in rows and columns with thin gaps, labels of rows on the left and of columns above.
final class PictureGrid {
  /// A label and how it looks.
  struct Label {
    var text: String
    var size: Double
    var bold: Bool
    var color: Canvas.Color

    init(_ text: String, size: Double, bold: Bool = false, color: Canvas.Color = .grey(0.1)) {
      self.text = text
      self.size = size
      self.bold = bold
      self.color = color
    }
  }

  private static let margin = 12
  private static let gap = 3
  private static let groupGap = 16
  private static let border = Canvas.Color.grey(0.75)

  /// The picture.
  let canvas: Canvas
  /// The number of rows.
  let rows: Int
  private let rowsPerGroup: Int
  private let left: Int
  private let top: Int
  private let scale: Int
  private let tileWidth: Int
  private let tileHeight: Int

  /// Makes room for all images and labels and writes the labels of the columns.
  ///
  /// - Parameters:
  ///   - images: Any stack of the images' shape.
  ///   - rowsPerGroup: Rows that belong together; more space between groups.
  ///   - rowLabels: All labels of rows, which fix the width of their column.
  init(
    images: ImageStack, columns: Int, rows: Int, rowsPerGroup: Int, rowLabels: [[Label]], columnLabels: [Label]
  ) throws {
    let scale = images.enlargement
    let tileWidth = images.width * scale, tileHeight = images.height * scale
    let ruler = try Canvas(width: 1, height: 1)
    let widest = rowLabels.joined().map { ruler.textWidth($0.text, size: $0.size, bold: $0.bold) }.max() ?? 0
    let left = Self.margin + (widest > 0 ? Int(widest.rounded(.up)) + Self.margin : 0)
    let top = Self.margin + (columnLabels.map { Int(1.5 * $0.size) }.max() ?? 0)
    let groups = (rows + rowsPerGroup - 1) / rowsPerGroup
    canvas = try Canvas(
      width: left + columns * (tileWidth + Self.gap) - Self.gap + Self.margin,
      height: top + rows * (tileHeight + Self.gap) - Self.gap + (groups - 1) * Self.groupGap + Self.margin)
    (self.rows, self.rowsPerGroup, self.left, self.top) = (rows, rowsPerGroup, left, top)
    (self.scale, self.tileWidth, self.tileHeight) = (scale, tileWidth, tileHeight)
    for (column, label) in columnLabels.enumerated() {
      canvas.text(
        label.text, x: Double(x(column)) + Double(tileWidth) / 2, y: Double(top) - 0.8 * label.size, size: label.size,
        bold: label.bold, color: label.color, alignment: .center)
    }
  }

  /// The left edge of a column, in pixels.
  func x(_ column: Int) -> Int { left + column * (tileWidth + Self.gap) }

  /// The upper edge of a row, in pixels.
  func y(_ row: Int) -> Int { top + row * (tileHeight + Self.gap) + row / rowsPerGroup * Self.groupGap }

  /// Draws one image in a thin frame, which shows where a white image ends.
  func draw(_ stack: ImageStack, image: Int, row: Int, column: Int) {
    canvas.fill(
      x: x(column) - 1, y: y(row) - 1, width: tileWidth + 2, height: tileHeight + 2, Self.border)
    canvas.draw(stack, image: image, x: x(column), y: y(row), enlargedBy: scale)
  }

  /// Writes the labels of a row below each other, centred on the row.
  func label(row: Int, _ labels: [Label]) {
    let heights = labels.map { 1.35 * $0.size }
    var y = Double(self.y(row)) + (Double(tileHeight) - heights.reduce(0, +)) / 2
    for (label, height) in zip(labels, heights) {
      canvas.text(
        label.text, x: Double(left - Self.margin), y: y + height / 2, size: label.size, bold: label.bold,
        color: label.color, alignment: .right)
      y += height
    }
  }
}
