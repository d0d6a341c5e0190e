import Diagnostics

/// The extents of a tensor, outermost first; the last axis varies fastest in memory.
public struct Shape: Sendable, Hashable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// The extent of each axis.
  public let dimensions: [Int]
  /// The number of elements; 1 for a scalar, the largest `Int` where there would be more.
  public let count: Int

  /// Makes a shape. All extents must be ≥ 0.
  public init(_ dimensions: [Int]) {
    requireFit(dimensions.allSatisfy { $0 >= 0 }, "Shape", "extents must not be negative: \(dimensions)")
    self.dimensions = dimensions
    count = saturatingProduct(dimensions)
  }

  /// Makes a shape from a literal, `[64, 10]`.
  public init(arrayLiteral elements: Int...) { self.init(elements) }

  /// The number of axes.
  public var rank: Int { dimensions.count }
  /// The extent of one axis; negative indices count from the last axis.
  public subscript(_ axis: Int) -> Int {
    requireAxis(axis, "Shape")
    return dimensions[axis < 0 ? axis + rank : axis]
  }

  /// "[64, 10]".
  public var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }

  /// The shape with the extent of one axis set to 1.
  public func reducing(_ axis: Int) -> Shape {
    requireAxis(axis, "reducing")
    var reduced = dimensions
    reduced[axis < 0 ? axis + rank : axis] = 1
    return Shape(reduced)
  }

  /// The shape that two shapes are broadcast to: axes are aligned at the last, and an extent of 1 matches any other.
  ///
  /// - Precondition: the extents of each axis are equal or one of them is 1.
  public static func broadcast(_ a: Shape, _ b: Shape) -> Shape {
    if a == b { return a }
    let rank = max(a.rank, b.rank)
    return Shape(
      (0..<rank).map { axis in
        let p = axis - (rank - a.rank), q = axis - (rank - b.rank)
        let m = p >= 0 ? a.dimensions[p] : 1, n = q >= 0 ? b.dimensions[q] : 1
        requireFit(m == n || m == 1 || n == 1, "broadcast", "\(a) and \(b) cannot be broadcast")
        return m == 1 ? n : m
      })
  }

  /// The extents before, at and after one axis: the tensor viewed as `[outer, length, inner]`.
  package func split(at axis: Int) -> (outer: Int, length: Int, inner: Int) {
    requireAxis(axis, "axis")
    let axis = axis < 0 ? axis + rank : axis
    return (
      dimensions[..<axis].reduce(1, *), dimensions[axis], dimensions[(axis + 1)...].reduce(1, *)
    )
  }
}
