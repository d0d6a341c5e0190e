/// Images row by row, as samples from the prior or decoded codes.
package struct ImagesFigure {
  private let images: ImageStack
  private let name: String
  private let title: String
  private let caption: String

  /// Describes the figure.
  package init(images: ImageStack, name: String = "images", title: String = "", caption: String = "") {
    (self.images, self.name, self.title, self.caption) = (images, name, title, caption)
  }

  /// Draws the figure.
  ///
  /// - Parameters:
  ///   - most: images in a row.
  ///   - width: what the images of a row take at most, in points.
  package func draw(columns most: Int = 10, width: Double = 350) -> Figure {
    let columns = min(most, images.count)
    var grid = ImageGrid(
      name: name, title: title, caption: caption, images: images, columns: columns,
      rows: (images.count + columns - 1) / columns, width: width)
    for index in 0..<images.count { grid.draw(images, image: index, row: index / columns, column: index % columns) }
    return grid.figure
  }
}
