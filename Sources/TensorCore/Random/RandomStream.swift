import Foundation

/// A stream of random numbers as a value: passed explicitly, copied, split by label, saved and restored.
///
/// Counter-based: the n-th word is a pure function of the key and n (Threefry-2x64 with 20 rounds; Salmon et al. 2011,
/// "Parallel random numbers: as easy as 1, 2, 3"), so a stream never depends on the order in which other streams of the
/// same seed are used: a step, an epoch or a part of a model can have a stream of its own, `stream.split("step", t)`.
public struct RandomStream: Sendable, Codable, Equatable, RandomNumberGenerator {
  private var key0: UInt64
  private var key1: UInt64
  private var counter: UInt64 = 0
  private var buffered: UInt64 = 0

  /// The root stream of a seed.
  public init(seed: UInt64) {
    key0 = seed
    key1 = 0x6469_7365_6e74_616e  // "disentan"
  }

  private init(key0: UInt64, key1: UInt64) {
    self.key0 = key0
    self.key1 = key1
  }

  /// An independent stream for a purpose. Splitting does not advance this stream.
  public func split(_ label: String) -> RandomStream {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a
    for byte in label.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return split(hash, domain: 1)
  }

  /// An independent stream for one of many similar purposes, such as a training step.
  public func split(_ label: String, _ index: Int) -> RandomStream {
    split(label).split(UInt64(bitPattern: Int64(index)), domain: 2)
  }

  private func split(_ word: UInt64, domain: UInt64) -> RandomStream {
    // The second counter word is not 0 here and always 0 in `next`, so the two never use the same block.
    let (a, b) = Self.threefry(key0, key1, word, domain << 62)
    return RandomStream(key0: a, key1: b)
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    defer { counter &+= 1 }
    if counter & 1 == 1 { return buffered }
    let (a, b) = Self.threefry(key0, key1, counter >> 1, 0)
    buffered = b
    return a
  }

  /// Uniform on [0, 1), with 53 random bits.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A whole number, uniform on 0 ..< bound, without bias: the upper half of a random word times the bound, with another
  /// word where the lower half falls into the part that would favour some values (Lemire 2019, arXiv:1805.10941,
  /// Algorithm 5).
  ///
  /// - Precondition: `bound ≥ 1`.
  public mutating func integer(below bound: Int) -> Int {
    requireFit(bound >= 1, "integer(below:)", "the bound is \(bound), expected at least 1")
    let bound = UInt64(bound)
    var product = next().multipliedFullWidth(by: bound)
    if product.low < bound {
      let threshold = (0 &- bound) % bound
      while product.low < threshold { product = next().multipliedFullWidth(by: bound) }
    }
    return Int(product.high)
  }

  /// Two independent standard normal values (Box and Muller 1958).
  public mutating func normalPair() -> (Double, Double) {
    let radius = (-2 * log(1 - uniform())).squareRoot()
    let angle = 2 * Double.pi * uniform()
    return (radius * cos(angle), radius * sin(angle))
  }

  /// Fills a buffer with independent standard normal values.
  public mutating func fillNormal<Scalar: BinaryFloatingPoint>(_ buffer: UnsafeMutableBufferPointer<Scalar>) {
    var i = 0
    while i < buffer.count {
      let (a, b) = normalPair()
      buffer[i] = Scalar(a)
      if i + 1 < buffer.count { buffer[i + 1] = Scalar(b) }
      i += 2
    }
  }

  /// Distinct whole numbers in 0 ..< bound, in random order (Floyd's algorithm, then a shuffle).
  public mutating func distinct(_ count: Int, below bound: Int) -> [Int] {
    requireFit(0...max(bound, 0) ~= count, "distinct", "there are not \(count) distinct numbers below \(bound)")
    var seen = Set<Int>(), order: [Int] = []
    for top in (bound - count)..<bound {
      let candidate = integer(below: top + 1)
      let chosen = seen.insert(candidate).inserted ? candidate : top
      seen.insert(chosen)
      order.append(chosen)
    }
    shuffle(&order)
    return order
  }

  /// Puts elements into a random order (Fisher and Yates): each position in turn takes one of the elements from it on.
  private mutating func shuffle(_ elements: inout [Int]) {
    for position in 0..<max(0, elements.count - 1) {
      elements.swapAt(position, position + integer(below: elements.count - position))
    }
  }

  /// A random permutation of 0 ..< count (Fisher and Yates).
  public mutating func permutation(of count: Int) -> [Int] {
    requireFit(count >= 0, "permutation", "there are no \(count) numbers")
    var order = Array(0..<count)
    shuffle(&order)
    return order
  }

  /// Threefry-2x64-20: twenty rounds of add, rotate and xor, with a key injection after every fourth.
  package static func threefry(_ k0: UInt64, _ k1: UInt64, _ c0: UInt64, _ c1: UInt64) -> (UInt64, UInt64) {
    let k2 = 0x1bd1_1bda_a9fc_1a22 ^ k0 ^ k1
    var x0 = c0 &+ k0, x1 = c1 &+ k1
    func rounds(_ r: (UInt64, UInt64, UInt64, UInt64)) {
      func round(_ r: UInt64) {
        x0 = x0 &+ x1
        x1 = (x1 << r | x1 >> (64 - r)) ^ x0
      }
      round(r.0)
      round(r.1)
      round(r.2)
      round(r.3)
    }
    let even = (UInt64(16), UInt64(42), UInt64(12), UInt64(31))
    let odd = (UInt64(16), UInt64(32), UInt64(24), UInt64(21))
    rounds(even)
    (x0, x1) = (x0 &+ k1, x1 &+ k2 &+ 1)
    rounds(odd)
    (x0, x1) = (x0 &+ k2, x1 &+ k0 &+ 2)
    rounds(even)
    (x0, x1) = (x0 &+ k0, x1 &+ k1 &+ 3)
    rounds(odd)
    (x0, x1) = (x0 &+ k1, x1 &+ k2 &+ 4)
    rounds(even)
    (x0, x1) = (x0 &+ k2, x1 &+ k0 &+ 5)
    return (x0, x1)
  }
}
