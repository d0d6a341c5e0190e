/// Images decoded from samples of the prior.
struct SamplesPicture {
  /// p(x|z), z ~ p(z).
  let images: ImageStack

  /// Draws the picture.
  func draw() -> Figure {
    let columns = min(10, images.count)
    var grid = PictureGrid(
      name: "samples", title: "Samples from the prior",
      caption: "p(x|z) for \(images.count) codes z drawn from the prior N(0, I).", images: images, columns: columns,
      rows: (images.count + columns - 1) / columns)
    for index in 0..<images.count { grid.draw(images, image: index, row: index / columns, column: index % columns) }
    return grid.figure
  }
}
