import TensorCore
import TestSupport
import Testing

@Suite("Matrix products")
struct MatrixProductTests {
  struct Example: Sendable, CustomTestStringConvertible {
    var m: Int
    var n: Int
    var k: Int
    var testDescription: String { "\(m) × \(n), inner \(k)" }
  }

  // Whole and partial tiles and panels, and empty products; with AVX-512 a tile has 8 rows and 32 columns, and a panel
  // 512 rows.
  static let examples = [
    Example(m: 1, n: 1, k: 1), Example(m: 3, n: 7, k: 5), Example(m: 64, n: 64, k: 64), Example(m: 64, n: 20, k: 256),
    Example(m: 37, n: 61, k: 129), Example(m: 13, n: 100, k: 600), Example(m: 70, n: 33, k: 1030),
    Example(m: 8, n: 32, k: 512), Example(m: 65, n: 257, k: 17),
  ]

  static func values(_ count: Int, _ label: String) -> [Float] {
    var stream = RandomStream(seed: 7).split(label)
    return (0..<count).map { _ in Float(2 * stream.uniform() - 1) }
  }

  static func transposed(_ x: [Float], rows: Int) -> [Float] {
    let columns = x.count / rows
    return (0..<x.count).map { x[$0 % rows * columns + $0 / rows] }
  }

  @Test(
    "A product is the sum of products at every level, with either operand transposed, on one thread and two",
    arguments: VectorLevel.allCases.filter { $0 <= .best }, examples)
  func product(level: VectorLevel, example: Example) {
    let (m, n, k) = (example.m, example.n, example.k)
    let a = Self.values(m * k, "a"), b = Self.values(k * n, "b"), before = Self.values(m * n, "c")
    let expected = (0..<m * n).map { i in
      (0..<k).reduce(0.0) { $0 + Double(a[i / n * k + $1]) * Double(b[$1 * n + i % n]) }
    }
    for threads in [1, 2] {
      let device = Device(threads: threads, level: level)
      for (transposeA, transposeB) in [(false, false), (false, true), (true, false), (true, true)] {
        let left =
          transposeA ? Tensor(Self.transposed(a, rows: m), [k, m], on: device) : Tensor(a, [m, k], on: device)
        let right =
          transposeB ? Tensor(Self.transposed(b, rows: k), [n, k], on: device) : Tensor(b, [k, n], on: device)
        let result = Tensor(before, [m, n], on: device)
        Tensor.multiply(left, transposeA: transposeA, right, transposeB: transposeB, into: result)
        // A sum of k products of values below 1 has an error of at most k units of 2⁻²⁴ times its terms; in practice
        // √k of them. The largest result is above √k/3, so a relative tolerance of 2⁻²⁴·10 is well above rounding.
        #expect(relativeDifference(result.elements, expected) < 6e-7 * Double(k).squareRoot())
        Tensor.multiply(left, transposeA: transposeA, right, transposeB: transposeB, into: result, accumulate: true)
        #expect(relativeDifference(result.elements, expected.map { 2 * $0 }) < 6e-7 * Double(k).squareRoot())
      }
    }
  }

  @Test("An empty sum is zero, and accumulating it changes nothing")
  func emptySum() {
    let device = Device(threads: 1)
    let a = Tensor<Float>([], [2, 0], on: device), b = Tensor<Float>([], [0, 3], on: device)
    let c = Tensor<Float>([1, 2, 3, 4, 5, 6], [2, 3], on: device)
    Tensor.multiply(a, b, into: c, accumulate: true)
    #expect(c.elements == [1, 2, 3, 4, 5, 6])
    Tensor.multiply(a, b, into: c)
    #expect(c.elements == [0, 0, 0, 0, 0, 0])
  }

  @Test("A measured peak counts every operation of every thread", arguments: [1, 2])
  func peak(threads: Int) {
    let device = Device(threads: threads, level: .plain), clock = ContinuousClock()
    var peak = 0.0
    let elapsed = clock.measure { peak = device.measuredPeak(attempts: 1) } / .seconds(1)
    // Four million rounds of 12 chains of 4 numbers, a multiplication and an addition each, take no longer than the call;
    // and no core does 64 operations in each of 10¹⁰ cycles a second.
    #expect(peak >= Double(threads) * 4e6 * 96 / elapsed)
    #expect(peak < Double(threads) * 6.4e11)
  }
}
