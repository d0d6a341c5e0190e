import FileFormats
import Foundation
import TensorCore

/// What each latent draws: one row for each, from the most to the least informative, one column for each of its values.
public struct TraversalsPicture {
  /// One latent: all others held fixed while it moves.
  public struct Row: Sendable {
    /// The latent's index, counted from 0.
    public var latent: Int
    /// Its mean KL divergence from the prior over the data, in nats.
    public var kl: Double
    /// The decoded images, one for each value.
    public var images: ImageStack

    /// Makes a row.
    public init(latent: Int, kl: Double, images: ImageStack) {
      self.latent = latent
      self.kl = kl
      self.images = images
    }
  }

  /// Below this KL, in nats, a latent says nothing, and its label is grey.
  private static let negligible = 0.01

  private let rows: [Row]
  private let columnLabels: [String]

  /// Makes the picture.
  ///
  /// - Parameters:
  ///   - rows: The latents in any order; they are drawn by falling KL.
  ///   - columnLabels: What the columns are, as "−2" … "2" or "−3σ" … "3σ".
  /// - Throws: ``StructuredError`` if there are no rows, or a row has not one image for each label and the shape of the
  ///   others.
  public init(rows: [Row], columnLabels: [String]) throws {
    guard let first = rows.first, !columnLabels.isEmpty else {
      throw StructuredError("there are no traversals to draw")
    }
    for row in rows {
      let shape = [row.images.count, row.images.height, row.images.width, row.images.channels]
      let expected = [columnLabels.count, first.images.height, first.images.width, first.images.channels]
      guard shape == expected else {
        throw StructuredError(
          "the traversal of latent \(row.latent) has shape \(shape)", expected: "shape \(expected)")
      }
    }
    // Equal KL keeps the order of the latents; what is not a number comes last.
    self.rows = rows.sorted {
      let (a, b) = ($0.kl.isNaN ? -Double.infinity : $0.kl, $1.kl.isNaN ? -Double.infinity : $1.kl)
      return a != b ? a > b : $0.latent < $1.latent
    }
    self.columnLabels = columnLabels
  }

  /// Values as column labels, with a true minus sign: "−2", "−1.5", "0".
  public static func labels(for values: [Double], unit: String = "") -> [String] {
    values.map { value in
      let text = String(format: "%.2f", abs(value))
      let digits = text.contains(".") ? trimmed(text) : text
      return (value < 0 && digits != "0" ? "−" : "") + digits + unit
    }
  }

  private static func trimmed(_ text: String) -> String {
    var text = text
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }

  /// Draws the picture.
  public func draw() throws -> Canvas {
    let rowLabels = rows.map { row in
      let isSilent = !(row.kl >= Self.negligible)
      return [
        PictureGrid.Label("z\(row.latent)", size: 20, bold: true, color: .grey(isSilent ? 0.6 : 0.1)),
        PictureGrid.Label("KL \(String(format: "%.2f", row.kl)) nats", size: 15, color: .grey(isSilent ? 0.6 : 0.35)),
      ]
    }
    let grid = try PictureGrid(
      images: rows[0].images, columns: columnLabels.count, rows: rows.count, rowsPerGroup: rows.count,
      rowLabels: rowLabels, columnLabels: columnLabels.map { PictureGrid.Label($0, size: 16, color: .grey(0.35)) })
    for (index, row) in rows.enumerated() {
      grid.label(row: index, rowLabels[index])
      for column in 0..<columnLabels.count { grid.draw(row.images, image: column, row: index, column: column) }
    }
    return grid.canvas
  }

  /// Draws the picture and writes it as a PNG file.
  public func write(to path: String) throws { try AtomicFile.write(try draw().png(), to: path) }
}
