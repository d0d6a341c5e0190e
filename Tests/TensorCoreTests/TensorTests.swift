import Foundation
import Synchronization
import TensorCore
import TestSupport
import Testing

@Suite("Tensors")
struct TensorTests {
  static let levels = VectorLevel.allCases.filter { $0 <= .best }

  /// The functions in double precision, from the C library.
  static func reference(_ f: UnaryFunction, _ x: Double) -> Double {
    switch f {
    case .negate: -x
    case .exp: exp(x)
    case .log: log(x)
    case .sqrt: x.squareRoot()
    case .square: x * x
    case .abs: abs(x)
    case .relu: max(x, 0)
    case .tanh: tanh(x)
    case .sigmoid: 1 / (1 + exp(-x))
    case .softplus: max(x, 0) + log1p(exp(-abs(x)))
    case .sign: x > 0 ? 1 : x < 0 ? -1 : 0
    case .reciprocal: 1 / x
    }
  }

  @Test(
    "Functions of one value are accurate to a few units in the last place at every level",
    arguments: UnaryFunction.allCases, levels)
  func unary(f: UnaryFunction, level: VectorLevel) {
    let device = Device(threads: 1, level: level)
    let positive = f == .log || f == .sqrt
    // 1,003 values, so that the tail is shorter than a vector.
    let x = (0..<1_003).map { i -> Float in
      let t = Float(i) / 1_002 * 2 - 1
      let value = t * t * t * 80
      return positive ? abs(value) + 1e-6 : value == 0 ? 0.5 : value
    }
    let y = Tensor(x, [x.count], on: device).map(f).elements
    for (value, result) in zip(x, y) {
      let expected = Self.reference(f, Double(value))
      // 2.5e-7 is 4 units in the last place of a Float; below 1e-37 results are flushed to 0.
      #expect(abs(Double(result) - expected) <= 2.5e-7 * abs(expected) + 1e-37, "\(f)(\(value)) = \(result)")
    }
  }

  @Test("Columns of a matrix, up to its edges")
  func columns() {
    let matrix = Tensor<Float>((0..<12).map(Float.init), [3, 4], on: Device(threads: 1))
    #expect(matrix.columns(0..<4).elements == matrix.elements)
    #expect(matrix.columns(1..<3).elements == [1, 2, 5, 6, 9, 10])
    #expect(matrix.columns(4..<4).shape == [3, 0])
  }

  @Test("Broadcasting over several axes at once")
  func broadcastingAxes() {
    let device = Device(threads: 2)
    let a = Tensor<Float>((0..<48).map(Float.init), [2, 3, 2, 4], on: device)
    let b = Tensor<Float>([100, 200, 300], [1, 3, 1, 1], on: device)
    let c = Tensor<Float>([1000, 2000, 3000, 4000], [2, 1, 2, 1], on: device)
    let first = (0..<48).map { (i: Int) -> Float in Float(i + 100 * (i / 8 % 3 + 1)) }
    let second = (0..<48).map { (i: Int) -> Float in Float(i + 1000 * (i / 24 * 2 + i / 4 % 2 + 1)) }
    #expect(a.combined(.add, b).elements == first)
    #expect(a.combined(.add, c).elements == second)
  }

  @Test("Corner cases of exp, log and softplus", arguments: levels)
  func corners(level: VectorLevel) {
    let device = Device(threads: 1, level: level)
    func map(_ f: UnaryFunction, _ x: [Float]) -> [Float] { Tensor(x, [x.count], on: device).map(f).elements }
    let e = map(.exp, [0, 89, -89, .infinity, -.infinity, .nan, 88.7])
    #expect(e[0] == 1 && e[1] == .infinity && e[2] == 0 && e[3] == .infinity && e[4] == 0 && e[5].isNaN)
    #expect(e[6].isFinite && abs(Double(e[6]) / exp(Double(Float(88.7))) - 1) < 1e-6)
    let l = map(.log, [1, 0, -1, .infinity, .nan])
    #expect(l[0] == 0 && l[1] == -.infinity && l[2].isNaN && l[3] == .infinity && l[4].isNaN)
    let s = map(.softplus, [-200, 0, 200, -20])
    #expect(s[0] == 0 && abs(s[1] - Float(log(2.0))) < 1e-7 && s[2] == 200)
    #expect(abs(Double(s[3]) / log1p(exp(-20)) - 1) < 1e-6)
  }

  @Test("Axes of extent 1 are broadcast, as in NumPy")
  func broadcasting() {
    let device = Device(threads: 2)
    func t(_ values: [Double], _ shape: Shape) -> Tensor<Double> { Tensor(values, shape, on: device) }
    let a = t([1, 2, 3, 4, 5, 6], [2, 3])
    #expect(a.combined(.add, t([10, 20, 30], [3])).elements == [11, 22, 33, 14, 25, 36])
    #expect(a.combined(.add, t([10, 20], [2, 1])).elements == [11, 12, 13, 24, 25, 26])
    #expect(t([1, 2], [2, 1]).combined(.multiply, t([1, 10, 100], [1, 3])).elements == [1, 10, 100, 2, 20, 200])
    #expect(t([7], []).combined(.subtract, t([1, 2], [2])).elements == [6, 5])
    #expect(Shape.broadcast([4, 1, 3], [2, 1]) == [4, 2, 3])
  }

  @Test("Log-sum-exp does not overflow, and is −∞ if all values are −∞", arguments: levels)
  func logSumExp(level: VectorLevel) {
    let device = Device(threads: 2, level: level)
    let large = Tensor<Float>(repeating: 1_000, [2, 40], on: device).logSumExp(axis: 1).elements
    #expect(relativeDifference(large, [1_000 + log(40.0), 1_000 + log(40.0)]) < 1e-6)
    #expect(Tensor<Float>(repeating: -.infinity, [1, 5], on: device).logSumExp(axis: 1).elements == [-.infinity])
    let mixed = Tensor<Float>([-.infinity, 2], [2, 1], on: device).logSumExp(axis: 0).elements
    #expect(mixed == [2])
  }

  @Test("Log-sum-exp in double precision, at lengths around those of vectors", arguments: levels)
  func preciseLogSumExp(level: VectorLevel) {
    let device = Device(threads: 1, level: level)
    func logSumExp(_ values: [Double]) -> Double {
      Tensor<Double>(values, [1, values.count], on: device).logSumExp(axis: 1).elements[0]
    }
    var stream = RandomStream(seed: 12)
    for count in 1...40 {
      // From equal values to such that only the largest counts; the largest stands anywhere.
      for (spread, shift) in [(0.0, 0.0), (1, -3), (30, 700), (2_000, -1e5)] {
        let values = (0..<count).map { _ in shift + spread * stream.normalPair().0 }
        let top = values.max() ?? .nan, expected = top + log(values.reduce(0) { $0 + exp($1 - top) })
        #expect(abs(logSumExp(values) - expected) <= 2e-15 * max(1, abs(expected)), "\(count) values, spread \(spread)")
      }
      let lowest = [Double](repeating: -.infinity, count: count)
      #expect(logSumExp(lowest) == -.infinity && logSumExp(lowest + [5]) == 5 && logSumExp([5] + lowest) == 5)
      #expect(logSumExp(lowest + [.nan]).isNaN && logSumExp([.nan] + lowest).isNaN && logSumExp([.nan, 1]).isNaN)
    }
  }

  @Test("Products split among threads equal those on one", arguments: [(5, 7, 3), (64, 256, 512), (130, 33, 70)])
  func products(m: Int, n: Int, k: Int) {
    func product(threads: Int) -> [Float] {
      let device = Device(threads: threads)
      var stream = RandomStream(seed: 5)
      let a = Tensor<Float>(repeating: 0, [m, k], on: device), b = Tensor<Float>(repeating: 0, [k, n], on: device)
      a.withMutableElements { stream.fillNormal($0) }
      b.withMutableElements { stream.fillNormal($0) }
      return a.times(b).elements
    }
    #expect(relativeDifference(product(threads: 3), product(threads: 1)) < 1e-6)
  }
}

@Suite("Devices")
struct DeviceTests {
  @Test("Every worker runs once, ranges cover everything once, and nested calls still run")
  func workers() {
    let device = Device(threads: 3)
    for _ in 0..<200 {
      let seen = Atomic<Int>(0)
      device.parallel { worker in seen.add(1 << (8 * worker), ordering: .relaxed) }
      #expect(seen.load(ordering: .relaxed) == 0x010101)
    }
    let covered = Atomic<Int>(0)
    device.forEachRange(1_000, grain: 7) { _, range in covered.add(range.reduce(0, +), ordering: .relaxed) }
    #expect(covered.load(ordering: .relaxed) == 499_500)
    let inner = Atomic<Int>(0)
    device.parallel { _ in device.parallel { _ in inner.add(1, ordering: .relaxed) } }
    #expect(inner.load(ordering: .relaxed) == 9)
  }

  @Test("The pool reuses a released buffer")
  func pool() {
    let device = Device(threads: 1)
    do { _ = Tensor<Float>(repeating: 1, [1_000], on: device) }
    let before = device.pool.statistics
    do { _ = Tensor<Float>(repeating: 2, [1_000], on: device) }
    let after = device.pool.statistics
    #expect(after.misses == before.misses && after.hits == before.hits + 1 && after.bytesInUse == 0)
  }

  @Test(
    "A buffer is a multiple of 64 bytes, and of an eighth of a power of two",
    arguments: [(1, 64), (16, 64), (17, 128), (257, 1152)])
  func capacity(floats: Int, bytes: Int) {
    let device = Device(threads: 1)
    do { _ = Tensor<Float>(repeating: 1, [floats], on: device) }
    #expect(device.pool.statistics.bytesHeld == bytes)
  }

  @Test("An unsupported level, an unknown name or no name gives the best level")
  func levels() {
    #expect(VectorLevel.named("plain") == .plain)
    #expect(VectorLevel.named("avx9000") == .best)
    #expect(VectorLevel.named(nil) == .best)
  }
}
