import Foundation

/// Draws dSprites (Matthey, Higgins, Hassabis and Lerchner 2017) from its factors, without the published file.
///
/// A sprite is a polygon in local coordinates (u, v), scaled by σ, turned by θ and moved by c, in double precision:
///
///     x = c_x + σ·(u cos θ + v sin θ),   y = c_y + σ·(−u sin θ + v cos θ)
///
/// Vertices are rounded to 1/256 pixel, and a pixel is lit if and only if its centre lies inside, by the even–odd rule
/// and without anti-aliasing. The published program was not released; the numbers below were fitted to published
/// frames, all of which they reproduce.
struct DSpritesRenderer {
  /// Coordinates are whole numbers of 1/256 pixel from here on; the centre of pixel n is at 256·n + 128.
  private static let unit = 256.0

  private let outlines: [[(u: Double, v: Double)]]

  init() {
    let size = 9.6
    let square = [(-size, -size), (size, -size), (size, size), (-size, size)].map { (u: $0.0, v: $0.1) }
    let ellipse = (0..<100).map { n in
      let t = 2 * Double.pi * Double(n) / 100
      return (u: 1.33 * size * cos(t), v: size / 1.33 * sin(t))
    }
    let heart = (0..<150).map { n in
      let t = 2 * Double.pi * Double(n) / 150, s = sin(t)
      let height = 13 * cos(t) - 5 * cos(2 * t) - 2 * cos(3 * t) - cos(4 * t)
      return (u: size * s * s * s, v: size * (-0.15 - height / 14.5))
    }
    outlines = [square, ellipse, heart]
  }

  /// Draws the 32 × 32 positions of one shape, scale and orientation, posX slowest, into 1,024 images of 64 rows.
  ///
  /// - Precondition: the rows are 0 before.
  func draw(shape: Int, scale: Int, orientation: Int, into rows: UnsafeMutablePointer<UInt64>) {
    let outline = outlines[shape], vertices = outline.count
    let sigma = 0.5 + 0.1 * Double(scale), theta = 2 * Double.pi * Double(orientation) / 39
    let cosine = cos(theta), sine = sin(theta)
    // A vertex's x depends on posX only and its y on posY only.
    var x = [Int32](repeating: 0, count: 32 * vertices), y = x
    for (vertex, point) in outline.enumerated() {
      let dx = sigma * (point.u * cosine + point.v * sine), dy = sigma * (-point.u * sine + point.v * cosine)
      for position in 0..<32 {
        let centre = 16 + 32 * Double(position) / 31
        x[position * vertices + vertex] = Int32(((centre + dx) * Self.unit).rounded())
        y[position * vertices + vertex] = Int32(((centre + dy) * Self.unit).rounded())
      }
    }
    x.withUnsafeBufferPointer { x in
      y.withUnsafeBufferPointer { y in
        for posY in 0..<32 {
          let crossings = Self.crossings(UnsafeBufferPointer(rebasing: y[posY * vertices..<(posY + 1) * vertices]))
          for posX in 0..<32 {
            let column = x.baseAddress! + posX * vertices, image = rows + (posX * 32 + posY) * 64
            for crossing in crossings {
              let x0 = column[crossing.from], x1 = column[crossing.to]
              let numerator = (x0 - 128) * crossing.height + crossing.above * (x1 - x0)
              // Pixels from here to the right have the crossing at or left of their centre.
              let first = (numerator + 256 * crossing.height - 1) / (256 * crossing.height)
              image[crossing.row] ^= ~0 << UInt64(truncatingIfNeeded: max(0, first))
            }
          }
        }
      }
    }
  }

  /// An edge meeting the line through the centres of a row of pixels.
  private struct Crossing {
    /// The row.
    var row: Int
    /// The edge's end with the smaller y, and its other end.
    var from: Int, to: Int
    /// The line's distance from the first end, and the second end's: the crossing is at x0 + above·(x1 − x0)/height.
    var above: Int32, height: Int32
  }

  /// The edges that meet the centre line of a row: those with (y0 < yc) ≠ (y1 < yc).
  private static func crossings(_ y: UnsafeBufferPointer<Int32>) -> [Crossing] {
    var found: [Crossing] = []
    for vertex in y.indices {
      let next = vertex + 1 == y.count ? 0 : vertex + 1
      let (from, to) = y[vertex] < y[next] ? (vertex, next) : (next, vertex)
      // Rows whose centre yc = 256·row + 128 has y[from] < yc ≤ y[to].
      let first = (y[from] - 128 + 256) >> 8, last = (y[to] - 128) >> 8
      if first > last { continue }
      for row in first...last {
        let above = 256 * row + 128 - y[from]
        found.append(Crossing(row: Int(row), from: from, to: to, above: above, height: y[to] - y[from]))
      }
    }
    return found
  }
}
