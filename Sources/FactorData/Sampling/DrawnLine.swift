import Diagnostics
import Foundation

/// The table of two correlated factors as a drawn, blurred line: the rule of the released code of Träuble et al. 2021
/// (arXiv:2006.07886), which differs from the Gaussian of the paper.
///
/// A line of width w = ⌈σ·min(n₁, n₂)⌉ goes through a picture of n₁ × n₂ pixels of 0 and 255, from one corner to the pixel
/// beyond the opposite one. The picture is blurred by a Gaussian kernel of k × k pixels, k = ⌊min(n₁, n₂)/4⌋, one more where
/// that is even; below 8 values k = 1, and nothing is blurred. The probability of a combination is its pixel's share. Edges
/// are hard before the blur, so that combinations far from the line have the probability 0. From σ = 1 on, all combinations
/// are equally frequent.
///
/// Line and blur are those of OpenCV (`line`, `GaussianBlur` on 8 bits), pixel for pixel, because their details decide the
/// table: the band is bounded by lines in fixed-point numbers of 16 bits, clipped to the picture; rows of it are filled
/// between edges that begin anew, without their fraction, in the row of each corner; the kernel has 8 bits.
struct DrawnLine {
  /// n₁, the values of the first factor.
  let rows: Int
  /// n₂, the values of the second factor.
  let columns: Int
  /// The pixels, [n₁, n₂] in row-major order.
  private(set) var pixels: [UInt8]

  /// Draws the table.
  ///
  /// - Throws: `StructuredError` where it does not fit into memory.
  init(rows: Int, columns: Int, strength: Double) throws {
    (self.rows, self.columns) = (rows, columns)
    try MemoryRequirement(
      "a table of \(Format.grouped(rows)) × \(Format.grouped(columns)) combinations",
      bytes: saturatingProduct(rows, columns, MemoryLayout<Int>.stride), at: "dataset.sampling.pairs",
      action: "Choose factors of fewer values."
    ).check()
    let isUniform = strength >= 1
    pixels = [UInt8](repeating: isUniform ? 255 : 0, count: rows * columns)
    guard !isUniform else { return }
    let width = Int((strength * Double(min(rows, columns))).rounded(.up))
    if width > 1 { drawBand(width) } else { drawThinLine() }
    blur(min(rows, columns) / 4 | 1)
  }

  private mutating func mark(_ x: Int, _ y: Int) {
    if x >= 0, x < columns, y >= 0, y < rows { pixels[y * columns + x] = 255 }
  }

  // MARK: The line

  /// A place in units of 2⁻¹⁶ pixels.
  private struct Point {
    static let one = 1 << 16
    static let half = one >> 1

    var x: Int
    var y: Int

    /// The nearest row.
    var row: Int { (y + Self.half) >> 16 }

    /// On which sides it is outside: two bits for x, two for y.
    func sides(_ right: Int, _ bottom: Int) -> Int {
      (x < 0 ? 1 : x > right ? 2 : 0) + (y < 0 ? 4 : y > bottom ? 8 : 0)
    }
  }

  /// A line that is one pixel wide, within the picture, by Bresenham's rule.
  private mutating func drawThinLine() {
    // The end, clipped first to the last row, then to the last column.
    var x = columns - columns / rows, y = rows - 1
    if x > columns - 1 {
      y += (columns - 1 - x) * y / x
      x = columns - 1
    }
    let long = max(x, y), short = min(x, y)
    var error = long - 2 * short, position = 0
    for step in 0...max(long, 0) {
      if y > x { mark(position, step) } else { mark(step, position) }
      if error < 0 {
        position += 1
        error += 2 * long
      }
      error -= 2 * short
    }
  }

  /// The band of a width around the line from the origin to (n₂, n₁).
  private mutating func drawBand(_ width: Int) {
    let x = Double(columns), y = Double(rows)
    let length = (x * x + y * y).squareRoot()
    // Half the width, and half a pixel more where it is odd.
    let scale = (Double(width << 15) + Double(width & 1) * Double(Point.one) * 0.5) / length
    let across = Point(x: Int((y * scale).rounded(.toNearestOrEven)), y: -Int((x * scale).rounded(.toNearestOrEven)))
    let end = Point(x: columns << 16, y: rows << 16)
    // The uppermost corner first, then around the band.
    let corners = [
      across, Point(x: -across.x, y: -across.y), Point(x: end.x - across.x, y: end.y - across.y),
      Point(x: end.x + across.x, y: end.y + across.y),
    ]
    for index in 0..<4 { drawEdge(from: corners[(index + 3) % 4], to: corners[index]) }
    for row in 0..<rows {
      let sides = [
        Self.side(corners[0], corners[1], corners[2], row), Self.side(corners[0], corners[3], corners[2], row),
      ]
      let first = (min(sides[0], sides[1]) + Point.half) >> 16, last = (max(sides[0], sides[1]) + Point.half) >> 16
      guard last >= 0, first < columns else { continue }
      for column in max(0, first)...min(last, columns - 1) { pixels[row * columns + column] = 255 }
    }
  }

  /// Where a side of the band, which goes down through three corners, is in a row.
  private static func side(_ top: Point, _ middle: Point, _ bottom: Point, _ row: Int) -> Int {
    let (start, end) = row < middle.row ? (top, middle) : (middle, bottom)
    let height = end.row - start.row
    return start.x + (row - start.row) * ((2 * (end.x - start.x) + height) / (2 * height))
  }

  /// An edge of the band.
  private mutating func drawEdge(from first: Point, to second: Point) {
    guard let (first, second) = clipped(first, second) else { return }
    let isSteep = abs(second.y - first.y) >= abs(second.x - first.x)
    /// Along the edge and across it.
    func turned(_ point: Point) -> (along: Int, across: Int) {
      isSteep ? (point.y, point.x) : (point.x, point.y)
    }
    var (start, end) = (turned(first), turned(second))
    if end.along < start.along { swap(&start, &end) }
    let slope = ((end.across - start.across) << 16) / ((end.along - start.along) | 1)
    func put(_ along: Int, _ across: Int) {
      if isSteep { mark(across >> 16, along) } else { mark(along, across >> 16) }
    }
    put((end.along + Point.half) >> 16, end.across + Point.half)
    for step in 0...(end.along - start.along) >> 16 {
      put((start.along + Point.half) >> 16 + step, start.across + Point.half + step * slope)
    }
  }

  /// The part of an edge that is within the picture; nil where there is none.
  private func clipped(_ first: Point, _ second: Point) -> (Point, Point)? {
    let right = columns << 16 - 1, bottom = rows << 16 - 1
    var (a, b) = (first, second)
    guard a.sides(right, bottom) & b.sides(right, bottom) == 0 else { return nil }
    /// Moves an end along the edge to the last row or column.
    func move(
      _ point: inout Point, _ a: Point, _ b: Point, to limit: Int, _ main: WritableKeyPath<Point, Int>,
      _ other: WritableKeyPath<Point, Int>
    ) {
      let share = Double(limit - point[keyPath: main]) * Double(b[keyPath: other] - a[keyPath: other])
      point[keyPath: other] += Int(share / Double(b[keyPath: main] - a[keyPath: main]))
      point[keyPath: main] = limit
    }
    for (main, other, limit) in [(\Point.y, \Point.x, bottom), (\Point.x, \Point.y, right)] {
      guard a.sides(right, bottom) & b.sides(right, bottom) == 0 else { return nil }
      if a[keyPath: main] < 0 || a[keyPath: main] > limit {
        move(&a, a, b, to: a[keyPath: main] < 0 ? 0 : limit, main, other)
      }
      if b[keyPath: main] < 0 || b[keyPath: main] > limit {
        move(&b, a, b, to: b[keyPath: main] < 0 ? 0 : limit, main, other)
      }
    }
    return (a, b)
  }

  // MARK: The blur

  /// Blurs by a kernel of `size` × `size`, whose weights are multiples of 1/256; the picture goes on beyond its edge as its
  /// mirror image, without repeating the edge.
  private mutating func blur(_ size: Int) {
    guard size > 1 else { return }
    let kernel = Self.kernel(size), reach = size / 2
    func mirrored(_ place: Int, _ count: Int) -> Int { place < 0 ? -place : min(place, 2 * (count - 1) - place) }
    var across = [Int](repeating: 0, count: pixels.count)
    for row in 0..<rows {
      for column in 0..<columns {
        for (tap, weight) in kernel.enumerated() {
          across[row * columns + column] +=
            weight * Int(pixels[row * columns + mirrored(column + tap - reach, columns)])
        }
      }
    }
    for row in 0..<rows {
      for column in 0..<columns {
        let sum = kernel.enumerated().reduce(0) { sum, item in
          sum + item.element * across[mirrored(row + item.offset - reach, rows) * columns + column]
        }
        pixels[row * columns + column] = UInt8((sum + 1 << 15) >> 16)
      }
    }
  }

  /// The weights in multiples of 1/256: of small kernels by a table, of others those of a Gaussian with
  /// σ = 0.3·((size − 1)/2 − 1) + 0.8, each rounded with the error of those before it, and the rest in the middle.
  private static func kernel(_ size: Int) -> [Int] {
    switch size {
    case 3: return [64, 128, 64]
    case 5: return [16, 64, 96, 64, 16]
    case 7: return [8, 28, 56, 72, 56, 28, 8]
    case 9: return [4, 13, 30, 51, 60, 51, 30, 13, 4]
    default: break
    }
    let reach = size / 2, sigma = 0.3 * (Double(size - 1) * 0.5 - 1) + 0.8
    let exact = (0..<size).map { place in
      let distance = Double(place - reach)
      return exp(-distance * distance / (2 * sigma * sigma))
    }
    let sum = exact.reduce(0, +)
    var kernel = [Int](repeating: 0, count: size), error = 0.0
    for place in 0..<reach {
      let wanted = exact[place] / sum * 256 + error, weight = wanted.rounded(.toNearestOrEven)
      error = wanted - weight
      kernel[place] = Int(weight)
      kernel[size - 1 - place] = Int(weight)
    }
    kernel[reach] = 256 - kernel.reduce(0, +)
    return kernel
  }
}
