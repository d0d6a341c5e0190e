extension Tensor {
  /// The number of elements per thread below which another thread does not pay off.
  static var grain: Int { 8_192 }

  /// f applied to every element.
  public func map(_ f: UnaryFunction) -> Tensor {
    let result = Tensor(uninitialized: shape, on: device)
    let x = pointer, y = result.pointer
    device.forEachRange(count, grain: Self.grain) { _, range in
      Scalar.apply(f, device.level, range.count, x + range.lowerBound, y + range.lowerBound)
    }
    return result
  }

  /// scale·x + shift for every element.
  public func affine(scale: Scalar, shift: Scalar) -> Tensor {
    let result = Tensor(uninitialized: shape, on: device)
    let x = pointer, y = result.pointer
    device.forEachRange(count, grain: Self.grain) { _, range in
      Scalar.affine(device.level, range.count, scale, shift, x + range.lowerBound, y + range.lowerBound)
    }
    return result
  }

  /// f applied to pairs of elements; axes of extent 1 are broadcast, as in NumPy.
  public func combined(_ f: BinaryFunction, _ other: Tensor) -> Tensor {
    let result = Tensor(uninitialized: .broadcast(shape, other.shape), on: device)
    let a = pointer, b = other.pointer, y = result.pointer, level = device.level
    let strideA = shape.count == 1 ? 0 : 1, strideB = other.shape.count == 1 ? 0 : 1
    if (shape == result.shape || strideA == 0) && (other.shape == result.shape || strideB == 0) {
      device.forEachRange(result.count, grain: Self.grain) { _, range in
        let i = range.lowerBound
        Scalar.apply(f, level, range.count, a + strideA * i, strideA, b + strideB * i, strideB, y + i)
      }
      return result
    }
    let order = BroadcastOrder(shape, other.shape)
    device.forEachRange(order.count, grain: max(1, Self.grain / order.run)) { _, runs in
      order.forEachRun(runs) { i, p, q in
        Scalar.apply(f, level, order.run, a + p, order.strideA, b + q, order.strideB, y + i)
      }
    }
    return result
  }

  /// self ← self + other, in place; the numbers of elements are equal.
  package func add(_ other: Tensor) {
    requireFit(count == other.count, "add", "\(other.shape) does not fit \(shape)")
    let a = pointer, b = other.pointer
    device.forEachRange(count, grain: Self.grain) { _, range in
      let i = range.lowerBound
      Scalar.apply(.add, device.level, range.count, a + i, 1, b + i, 1, a + i)
    }
  }
}

/// The order in which a broadcast operation visits its operands: runs along the last axes, in which the stride of each
/// operand is 1 or 0.
struct BroadcastOrder {
  private let extents: [Int]
  private let stepsA: [Int]
  private let stepsB: [Int]
  let run: Int
  let strideA: Int
  let strideB: Int

  init(_ a: Shape, _ b: Shape) {
    let out = Shape.broadcast(a, b)
    func steps(_ shape: Shape) -> [Int] {
      var stride = 1, result: [Int] = []
      for axis in (0..<out.rank).reversed() {
        let own = axis - (out.rank - shape.rank)
        let extent = own >= 0 ? shape.dimensions[own] : 1
        result.append(extent == 1 ? 0 : stride)
        stride *= extent
      }
      return result.reversed()
    }
    var extents = out.dimensions, stepsA = steps(a), stepsB = steps(b)
    let last = extents.popLast() ?? 1
    let lastA = stepsA.popLast() ?? 0, lastB = stepsB.popLast() ?? 0
    var run = last
    // Merge preceding axes into the run as long as both operands continue with the same stride.
    while let extent = extents.last, let stepA = stepsA.last, let stepB = stepsB.last,
      stepA == lastA * run, stepB == lastB * run
    {
      run *= extent
      extents.removeLast()
      stepsA.removeLast()
      stepsB.removeLast()
    }
    (self.extents, self.stepsA, self.stepsB, self.run, strideA, strideB) = (extents, stepsA, stepsB, run, lastA, lastB)
  }

  /// The number of runs.
  var count: Int { extents.reduce(1, *) }

  func forEachRun(_ runs: Range<Int>, _ body: (_ out: Int, _ a: Int, _ b: Int) -> Void) {
    var index = [Int](repeating: 0, count: extents.count)
    var a = 0, b = 0, rest = runs.lowerBound
    for axis in (0..<extents.count).reversed() {
      (rest, index[axis]) = rest.quotientAndRemainder(dividingBy: extents[axis])
      a += stepsA[axis] * index[axis]
      b += stepsB[axis] * index[axis]
    }
    for i in runs {
      body(i * run, a, b)
      for axis in (0..<extents.count).reversed() {
        index[axis] += 1
        a += stepsA[axis]
        b += stepsB[axis]
        if index[axis] < extents[axis] { break }
        a -= stepsA[axis] * extents[axis]
        b -= stepsB[axis] * extents[axis]
        index[axis] = 0
      }
    }
  }
}
