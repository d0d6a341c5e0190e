import Diagnostics

/// What each latent draws: one row for each, from the most to the least informative, one column for each of its values.
public struct TraversalFigure: Sendable {
  /// One latent: all others held fixed while it moves.
  public struct Row: Sendable {
    /// The latent's index, counted from 0.
    public var latent: Int
    /// Its mean KL divergence from the prior over the data, in nats.
    public var kl: Double
    /// What it is set to, one value for each image.
    public var values: [Double]
    /// The decoded images, one for each value.
    public var images: ImageStack

    /// Makes a row.
    public init(latent: Int, kl: Double, values: [Double], images: ImageStack) {
      (self.latent, self.kl, self.values, self.images) = (latent, kl, values, images)
    }
  }

  /// The label of a latent with a KL below this, in nats, is faint.
  private static let negligible = 0.01

  private let rows: [Row]

  /// Describes the figure.
  ///
  /// - Parameter rows: The latents in any order; they are drawn by falling KL.
  /// - Throws: `StructuredError` if there are no rows, or a row has not one image for each of its values and the shape
  ///   of the others.
  public init(rows: [Row]) throws {
    guard let first = rows.first, !first.values.isEmpty else {
      throw StructuredError("there are no traversals to draw")
    }
    for row in rows {
      let shape = [row.values.count, row.images.count, row.images.height, row.images.width, row.images.channels]
      let n = first.values.count
      let expected = [n, n, first.images.height, first.images.width, first.images.channels]
      guard shape == expected else {
        throw StructuredError(
          "the traversal of latent \(row.latent) has shape \(shape.dropFirst())",
          expected: "shape \(expected.dropFirst())")
      }
    }
    // Equal KL keeps the order of the latents; what is not a number comes last.
    self.rows = rows.sorted {
      let (a, b) = ($0.kl.isNaN ? -Double.infinity : $0.kl, $1.kl.isNaN ? -Double.infinity : $1.kl)
      return a != b ? a > b : $0.latent < $1.latent
    }
  }

  /// Draws the figure, the value below each image.
  public func draw(name: String = "traversals", title: String = "Traversals", caption: String = "") -> Figure {
    var grid = ImageGrid(
      name: name, title: title, caption: caption, images: rows[0].images, columns: rows[0].values.count,
      rows: rows.count, rowLabels: rows.map(Self.label), hasTileLabels: true)
    for (index, row) in rows.enumerated() {
      let areWhole = row.values.allSatisfy { $0 == $0.rounded() }
      for (column, value) in row.values.enumerated() {
        let label = Format.decimals(value, areWhole ? 0 : 2)
        grid.draw(row.images, image: column, row: index, column: column, label: label)
      }
    }
    return grid.figure
  }

  /// The name of a latent and its KL.
  package static func label(_ row: Row) -> ImageGrid.RowLabel {
    .init(name: "z\(row.latent)", detail: "\(Format.decimals(row.kl, 2)) nats", isFaint: !(row.kl >= negligible))
  }
}
