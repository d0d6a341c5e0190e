import Diagnostics

/// Interpolations between pairs of images: points of the straight line between the means of their posteriors, decoded.
package struct InterpolationFigure {
  /// One row.
  package struct Row {
    /// The two originals.
    package var ends: ImageStack
    /// The decoded images from the first to the second.
    package var between: ImageStack

    package init(ends: ImageStack, between: ImageStack) { (self.ends, self.between) = (ends, between) }
  }

  /// At least one, all of one length.
  package let rows: [Row]

  package init(rows: [Row]) { self.rows = rows }

  /// Draws the figure.
  package func draw() -> Figure {
    let steps = rows[0].between.count
    let middle = (0..<steps).map { Format.value(Double($0) / Double(max(1, steps - 1))) }
    var grid = ImageGrid(
      name: "interpolations", title: "Interpolations between two images",
      caption:
        "Left and right the images; between them p(x|z) at \(steps) points of the straight line between the means "
        + "of their posteriors.",
      images: rows[0].ends, columns: steps + 2, rows: rows.count, columnLabels: ["data"] + middle + ["data"])
    for (index, row) in rows.enumerated() {
      grid.draw(row.ends, image: 0, row: index, column: 0)
      for step in 0..<steps { grid.draw(row.between, image: step, row: index, column: step + 1) }
      grid.draw(row.ends, image: 1, row: index, column: steps + 1)
    }
    return grid.figure
  }
}
