import Foundation

extension Tensor {
  /// The sum of all elements, added in double precision.
  public func total() -> Double { Scalar.sum(device.level, count, pointer) }

  /// Sums along one axis, which is kept with extent 1.
  public func sum(axis: Int) -> Tensor {
    shape.requireAxis(axis, "sum")
    let (outer, length, inner) = shape.split(at: axis)
    let result = Tensor(uninitialized: shape.reducing(axis), on: device)
    let x = pointer, y = result.pointer, level = device.level
    if inner == 1 {
      device.forEachRange(outer, grain: max(1, Self.grain / max(length, 1))) { _, range in
        for i in range { y[i] = Scalar(Scalar.sum(level, length, x + i * length)) }
      }
      return result
    }
    // Whole cache lines of columns.
    func add(_ o: Int, _ columns: Range<Int>) {
      let row = y + o * inner + columns.lowerBound, first = x + o * length * inner + columns.lowerBound
      row.update(repeating: 0, count: columns.count)
      for k in 0..<length { Scalar.apply(.add, level, columns.count, row, 1, first + k * inner, 1, row) }
    }
    if outer == 1 {
      device.forEachRange(inner, grain: max(16, Self.grain / max(length, 1) / 16 * 16)) { _, columns in add(0, columns)
      }
    } else {
      device.forEachRange(outer, grain: max(1, Self.grain / max(length * inner, 1))) { _, range in
        for o in range { add(o, 0..<inner) }
      }
    }
    return result
  }

  /// The tensor repeated along an axis of extent 1: what the gradient of a sum along it is.
  @specialized(where Scalar == Float)
  package func repeated(_ length: Int, along axis: Int) -> Tensor {
    let (outer, extent, inner) = shape.split(at: axis)
    requireFit(extent == 1, "repeated", "axis \(axis) of \(shape) does not have extent 1")
    var extents = shape.dimensions
    extents[axis < 0 ? axis + shape.rank : axis] = length
    let result = Tensor(uninitialized: Shape(extents), on: device)
    let x = pointer, y = result.pointer
    device.forEachRange(outer, grain: max(1, Self.grain / max(length * inner, 1))) { _, range in
      for o in range where inner == 1 { (y + o * length).update(repeating: x[o], count: length) }
      for o in range where inner > 1 {
        for k in 0..<length { (y + (o * length + k) * inner).update(from: x + o * inner, count: inner) }
      }
    }
    return result
  }

  /// Sums over the axes along which `shape` is broadcast to this tensor's shape.
  package func sum(to shape: Shape) -> Tensor {
    requireFit(
      Shape.broadcast(self.shape, shape) == self.shape, "sum(to:)", "\(shape) is not broadcast to \(self.shape)")
    var result = self
    let lead = self.shape.rank - shape.rank
    for axis in 0..<self.shape.rank {
      let target = axis < lead ? 1 : shape.dimensions[axis - lead]
      if target == 1 && self.shape.dimensions[axis] != 1 { result = result.sum(axis: axis) }
    }
    return result.reshaped(shape)
  }

  /// log Σ eˣ along one axis, which is kept with extent 1; computed relative to the maximum.
  public func logSumExp(axis: Int) -> Tensor {
    shape.requireAxis(axis, "logSumExp")
    let (outer, length, inner) = shape.split(at: axis)
    let result = Tensor(uninitialized: shape.reducing(axis), on: device)
    let x = pointer, y = result.pointer, level = device.level
    if inner == 1 {
      device.forEachRange(outer, grain: max(1, Self.grain / 4 / max(length, 1))) { _, range in
        for i in range { y[i] = Scalar(Scalar.logSumExp(level, length, x + i * length)) }
      }
      return result
    }
    var column = [Scalar](repeating: 0, count: length)
    for o in 0..<outer {
      for i in 0..<inner {
        for k in 0..<length { column[k] = x[(o * length + k) * inner + i] }
        y[o * inner + i] = Scalar(Scalar.logSumExp(level, length, &column))
      }
    }
    return result
  }
}
