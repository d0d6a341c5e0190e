import Foundation
import TensorCore
import Testing

@Suite("Random streams")
struct RandomStreamTests {
  @Test("The generator is Threefry-2x64 with 20 rounds: the authors' known answers")
  func knownAnswers() {
    let zero = RandomStream.threefry(0, 0, 0, 0)
    #expect(zero == (0xc2b6_e3a8_c2c6_9865, 0x6f81_ed42_f350_084d))
    let ones = RandomStream.threefry(.max, .max, .max, .max)
    #expect(ones == (0xe02c_b7c4_d95d_277a, 0xd066_33d0_893b_8b68))
  }

  @Test("A seed means the same numbers in every version: pinned values of every draw")
  func pinned() {
    var stream = RandomStream(seed: 42).split("pinned", 3)
    #expect(
      (0..<4).map { _ in stream.next() } == [
        10523676844361323860, 6681923140018176079, 14473166159762099831, 13476950978065750833,
      ])
    #expect((0..<8).map { _ in stream.integer(below: 1000) } == [938, 826, 647, 122, 950, 502, 980, 848])
    // A bound of which most words are refused takes the way that draws again.
    #expect(
      (0..<3).map { _ in stream.integer(below: 1 << 62 + 1 << 61 + 1) } == [
        937111243845938829, 1063617039516354278, 4850282421118607012,
      ])
    #expect(stream.permutation(of: 10) == [9, 1, 3, 2, 4, 7, 6, 5, 8, 0])
    #expect(stream.distinct(5, below: 100) == [87, 35, 43, 24, 29])
    #expect(stream.uniform() == 0.07091034773310745)
  }

  @Test("A bound that is a power of two refuses no word, and takes its highest bits")
  func powerOfTwo() {
    var stream = RandomStream(seed: 5), words = stream
    for _ in 0..<64 { #expect(stream.integer(below: 1 << 62) == Int(words.next() >> 2)) }
  }

  @Test("Splitting depends on label and index, not on what was drawn before")
  func splitting() {
    var used = RandomStream(seed: 1)
    _ = used.next()
    func first(_ stream: RandomStream) -> UInt64 {
      var stream = stream
      return stream.next()
    }
    let fresh = RandomStream(seed: 1)
    #expect(first(used.split("a")) == first(fresh.split("a")))
    let all = [
      first(fresh), first(fresh.split("a")), first(fresh.split("b")), first(fresh.split("a", 0)),
      first(fresh.split("a", 1)), first(fresh.split("b", 1)), first(RandomStream(seed: 2)),
      first(RandomStream(seed: 2).split("a")), first(fresh.split("a").split("a")),
    ]
    #expect(Set(all).count == all.count)
  }

  @Test("Distinct numbers are distinct, below their bound, and equally likely")
  func distinct() {
    var stream = RandomStream(seed: 11), counts = [Int](repeating: 0, count: 10)
    for _ in 0..<2_000 {
      let numbers = stream.distinct(3, below: 10)
      #expect(Set(numbers).count == 3)
      for number in numbers { counts[number] += 1 }
    }
    // 600 each, standard deviation √(2000·0.3·0.7) = 20.
    #expect(counts.allSatisfy { abs($0 - 600) < 100 }, "\(counts)")
    #expect(stream.distinct(5, below: 5).sorted() == [0, 1, 2, 3, 4])
  }

  @Test("A stream that is saved and restored continues with the same numbers")
  func coding() throws {
    var stream = RandomStream(seed: 9)
    for _ in 0..<7 { _ = stream.next() }
    var restored = try JSONDecoder().decode(RandomStream.self, from: JSONEncoder().encode(stream))
    #expect((0..<5).map { _ in stream.next() } == (0..<5).map { _ in restored.next() })
  }

  @Test("Uniform and normal values have their moments")
  func moments() {
    var stream = RandomStream(seed: 3)
    let n = 100_000.0
    let uniform = (0..<Int(n)).map { _ in stream.uniform() }
    #expect(uniform.allSatisfy { (0..<1).contains($0) })
    // Five standard errors each: √(1/12N), 1/√N, √(2/N).
    #expect(abs(uniform.reduce(0, +) / n - 0.5) < 5 * (1 / (12 * n)).squareRoot())
    var normal = [Double](repeating: 0, count: Int(n))
    normal.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
    #expect(abs(normal.reduce(0, +) / n) < 5 / n.squareRoot())
    #expect(abs(normal.reduce(0) { $0 + $1 * $1 } / n - 1) < 5 * (2 / n).squareRoot())
  }

  @Test("A buffer is filled with pairs of normal values one after the other", arguments: [1, 4, 5])
  func filling(count: Int) {
    var stream = RandomStream(seed: 8), pairs = stream
    var filled = [Double](repeating: 0, count: count)
    filled.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
    let expected = (0..<3).flatMap { _ in
      let (a, b) = pairs.normalPair()
      return [a, b]
    }
    #expect(filled == Array(expected[..<count]))
  }

  @Test("A permutation holds every number once, and two seeds differ")
  func permutations() {
    var a = RandomStream(seed: 1), b = RandomStream(seed: 2)
    let first = a.permutation(of: 100), second = b.permutation(of: 100)
    #expect(first.sorted() == Array(0..<100))
    #expect(first != second && first != Array(0..<100))
  }
}
