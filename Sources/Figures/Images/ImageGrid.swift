/// Images in rows and columns with thin gaps, labels of rows on the left, of columns above, and of single images below.
package struct ImageGrid {
  /// The label of a row: a name, and something smaller below it.
  package struct RowLabel {
    package var name: String
    package var detail = ""
    /// Whether the row matters less.
    package var isFaint = false

    package init(name: String, detail: String = "", isFaint: Bool = false) {
      (self.name, self.detail, self.isFaint) = (name, detail, isFaint)
    }
  }

  private static let margin = 6.0
  private static let gap = 2.0
  private static let groupGap = 8.0
  private static let nameSize = 9.5
  private static let detailSize = 8.0
  private static let columnSize = 8.5
  private static let tileLabelSize = 7.0

  /// The figure.
  package private(set) var figure: Figure
  private let columns: Int
  private let rowsPerGroup: Int
  private let columnsPerGroup: Int
  private let left: Double
  private let top: Double
  private let tileWidth: Double
  private let tileHeight: Double
  private let rowHeight: Double

  /// Makes room for all images and writes the labels of rows and columns.
  ///
  /// - Parameters:
  ///   - images: Any stack of the images' shape.
  ///   - width: What the images of a row take at most, in points; few images are no larger than 44 points.
  ///   - rowsPerGroup: Rows that belong together; more space between groups.
  ///   - columnsPerGroup: The same for columns.
  ///   - hasTileLabels: Whether images have labels below them.
  package init(
    name: String, title: String, caption: String, images: ImageStack, columns: Int, rows: Int, width: Double = 350,
    rowsPerGroup: Int? = nil, columnsPerGroup: Int? = nil, rowLabels: [RowLabel] = [], columnLabels: [String] = [],
    hasTileLabels: Bool = false
  ) {
    self.columns = columns
    self.rowsPerGroup = rowsPerGroup ?? max(1, rows)
    self.columnsPerGroup = columnsPerGroup ?? max(1, columns)
    let side = min(44, (width - Double(columns - 1) * Self.gap) / Double(columns))
    tileWidth = side * min(1, Double(images.width) / Double(images.height))
    tileHeight = side * min(1, Double(images.height) / Double(images.width))
    rowHeight = tileHeight + (hasTileLabels ? 10 : 0)
    let widest = rowLabels.flatMap {
      [TextRuler.width($0.name, size: Self.nameSize, bold: true), TextRuler.width($0.detail, size: Self.detailSize)]
    }.max()
    left = Self.margin + (widest.map { $0 + 8 } ?? 0)
    top = Self.margin + (columnLabels.isEmpty ? 0 : 13)
    let rowGroups = max(1, (rows + self.rowsPerGroup - 1) / self.rowsPerGroup)
    let columnGroups = max(1, (columns + self.columnsPerGroup - 1) / self.columnsPerGroup)
    figure = Figure(
      name: name, title: title, caption: caption,
      width: left + Double(columns) * (tileWidth + Self.gap) - Self.gap + Double(columnGroups - 1) * Self.groupGap
        + Self.margin,
      height: top + Double(rows) * (rowHeight + Self.gap) - Self.gap + Double(rowGroups - 1) * Self.groupGap
        + Self.margin)
    for (column, label) in columnLabels.enumerated() {
      figure.text(
        label, x(column) + tileWidth / 2, top - 7, size: Self.columnSize, paint: .secondary, anchor: .middle)
    }
    for (row, label) in rowLabels.enumerated() {
      let middle = y(row) + tileHeight / 2, half = label.detail.isEmpty ? 0 : 5.5
      figure.text(
        label.name, left - 6, middle - half, size: Self.nameSize, bold: !label.detail.isEmpty,
        paint: label.isFaint ? .secondary : .ink, anchor: .end)
      figure.text(label.detail, left - 6, middle + half, size: Self.detailSize, paint: .secondary, anchor: .end)
    }
  }

  /// The left edge of a column.
  private func x(_ column: Int) -> Double {
    left + Double(column) * (tileWidth + Self.gap) + Double(column / columnsPerGroup) * Self.groupGap
  }

  /// The upper edge of a row.
  private func y(_ row: Int) -> Double {
    top + Double(row) * (rowHeight + Self.gap) + Double(row / rowsPerGroup) * Self.groupGap
  }

  /// Draws one image in a thin frame, which shows where a white image ends.
  package mutating func draw(_ stack: ImageStack, image: Int, row: Int, column: Int, label: String = "") {
    figure.image(stack, image, x(column), y(row), width: tileWidth, height: tileHeight)
    figure.rectangle(
      x(column), y(row), tileWidth, tileHeight, fill: nil, stroke: .init(.color(.grey(0.6)), width: 0.5))
    figure.text(
      label, x(column) + tileWidth / 2, y(row) + tileHeight + 5.5, size: Self.tileLabelSize, paint: .secondary,
      anchor: .middle)
  }
}
