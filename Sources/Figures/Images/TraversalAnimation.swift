import Diagnostics
import Foundation

/// An animation of traversals: all latents at once, each in its own image, from one end of its range to the other and
/// back.
package struct TraversalAnimation {
  private static let columns = 5

  /// The latents by falling KL, all with the same number of images.
  package let rows: [TraversalFigure.Row]

  package init(rows: [TraversalFigure.Row]) { self.rows = rows }

  /// Draws all frames, one way and back.
  ///
  /// - Throws: `StructuredError` if they cannot be drawn.
  package func data() throws -> Data {
    let steps = rows[0].values.count
    let there = Array(0..<steps), back = Array(there.dropFirst().dropLast().reversed())
    let inColor = rows[0].images.channels == 3
    var width = 0, height = 0
    let frames = try (there + back).map { step in
      let canvas = try Canvas(frame(step), scale: 2)
      (width, height) = (canvas.width, canvas.height)
      return canvas.pixels(inColor: inColor)
    }
    return try GIF(
      palette: inColor ? Canvas.colors : Canvas.greys, frames: frames, width: width, height: height, delay: 10
    ).data()
  }

  private func frame(_ step: Int) -> Figure {
    let columns = min(Self.columns, rows.count), tile = 56.0, gap = 6.0, label = 22.0
    let aspect = Double(rows[0].images.width) / Double(rows[0].images.height)
    let width = tile * min(1, aspect), height = tile / max(1, aspect)
    let lines = (rows.count + columns - 1) / columns
    var figure = Figure(
      name: "traversals", title: "Traversals", width: gap + Double(columns) * (tile + gap),
      height: gap + Double(lines) * (height + label + gap))
    for (index, row) in rows.enumerated() {
      let x = gap + Double(index % columns) * (tile + gap) + (tile - width) / 2
      let y = gap + Double(index / columns) * (height + label + gap)
      figure.image(row.images, step, x, y, width: width, height: height)
      figure.rectangle(x, y, width, height, fill: nil, stroke: .init(.color(.grey(0.6)), width: 0.5))
      figure.text("z\(row.latent)", x, y + height + 7, size: 8.5, bold: true)
      figure.text(
        Format.decimals(row.values[step], 1), x + width, y + height + 7, size: 8.5, paint: .secondary, anchor: .end)
      figure.text("\(Format.decimals(row.kl, 2)) nats", x, y + height + 17, size: 7, paint: .secondary)
    }
    return figure
  }
}
