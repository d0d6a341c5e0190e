import Diagnostics
import FactorData
import TensorCore
import TestSupport
import Testing

/// Pairs of images that are not a full grid in order, compared with walking through all pairs of images.
@Suite struct IncompletePairsTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let count: PairSampler.ChangedCount
    let redraw: PairSampler.Redraw
    var testDescription: String { "\(count), \(redraw)" }
  }

  static let cases = [
    PairSampler.ChangedCount.fixed(1), .fixed(2), .uniform, .fixedOrOne(2), .fixedOrOne(3), .uniformOrOne,
  ].flatMap { count in PairSampler.Redraw.allCases.map { Case(count: count, redraw: $0) } }

  /// Factors a (3 values), one (of 2 values, one of which occurs), b (4) and c (2): combinations are missing, some occur
  /// twice or three times, and some factors cannot change in some images.
  static let values: [[Int32]] = [
    [2, 1, 3, 1], [0, 1, 0, 0], [0, 1, 1, 0], [1, 1, 1, 1], [0, 1, 1, 0], [2, 1, 3, 0], [1, 1, 2, 0], [0, 1, 3, 1],
    [2, 1, 0, 1], [1, 1, 1, 1], [1, 1, 0, 0], [0, 1, 1, 0], [2, 1, 2, 0], [1, 1, 0, 1], [0, 1, 3, 0],
  ]
  static let list = [Factor("a", size: 3), Factor("one", size: 2), Factor("b", size: 4), Factor("c", size: 2)]

  static func factors(_ rows: [[Int32]] = values) throws -> Factors {
    .table(try FactorTable(list, values: rows.flatMap { $0 }))
  }

  /// What a pair shows.
  private struct Outcome: Hashable {
    let first: Int
    let second: Int
    let shared: [Bool]
  }

  /// The probability of every outcome: of the first image, of a set of factors among those with a partner, of the partner.
  private static func probabilities(_ item: Case) -> [Outcome: Double] {
    let varying = [0, 2, 3]
    let counts: [Int: Double] =
      switch item.count {
      case .fixed(let k): [k: 1]
      case .uniform: [1: 0.5, 2: 0.5]
      case .fixedOrOne(let k): [1: 0.5, k: 0.5]
      case .uniformOrOne: [1: 0.75, 2: 0.25]
      }
    var result: [Outcome: Double] = [:]
    for first in values.indices {
      var found: [(weight: Double, set: [Int], seconds: [Int])] = []
      for (k, probability) in counts {
        let sets = (0..<8).map { bits in (0..<3).filter { bits >> $0 & 1 == 1 }.map { varying[$0] } }
          .filter { $0.count == k }
        for set in sets {
          let seconds = values.indices.filter { second in
            list.indices.allSatisfy { f in
              let isSame = values[first][f] == values[second][f]
              return set.contains(f) ? item.redraw == .anyValue || !isSame : isSame
            }
          }
          if seconds.contains(where: { $0 != first }) {
            found.append((probability / Double(sets.count), set, seconds))
          }
        }
      }
      let total = found.reduce(0) { $0 + $1.weight }
      for (weight, set, seconds) in found {
        for second in seconds {
          let outcome = Outcome(first: first, second: second, shared: list.indices.map { !set.contains($0) })
          result[outcome, default: 0] += weight / total / Double(seconds.count) / Double(values.count)
        }
      }
    }
    return result
  }

  @Test("Pairs of an incomplete grid are as frequent as all pairs of images say, and no others occur", arguments: cases)
  func frequencies(item: Case) throws {
    let expected = Self.probabilities(item)
    let sampler = try PairSampler(
      Self.factors(), changing: item.count, redraw: item.redraw, stream: RandomStream(seed: 3))
    #expect(sampler.varying == [0, 2, 3] && sampler.factors == Self.list)
    var counts: [Outcome: Int] = [:]
    for step in 0..<800 {
      let pairs = sampler.pairs(100, at: step)
      for row in 0..<100 {
        let outcome = Outcome(
          first: pairs.first[row], second: pairs.second[row], shared: Array(pairs.shared[row * 4..<row * 4 + 4]))
        counts[outcome, default: 0] += 1
      }
    }
    #expect(counts.keys.allSatisfy { expected[$0] != nil })
    let found = ChiSquared(expected.keys.map { counts[$0] ?? 0 }, Array(expected.values))
    #expect(found.deviations < 5, "\(found)")
  }

  @Test("Partners that are rare among many images are found, all of them equally often") func rare() throws {
    // 2,000 images with b = 0, and three that differ from the first in a and b at once.
    let list = [Factor("a", size: 2), Factor("b", size: 2)]
    var rows = [[Int32]](repeating: [0, 0], count: 1_000) + [[Int32]](repeating: [1, 0], count: 1_000)
    for image in [17, 400, 1_700] { rows[image] = [1, 1] }
    let factors = Factors.table(try FactorTable(list, values: rows.flatMap { $0 }))
    let stream = RandomStream(seed: 8)
    // The others of [1, 0] have no partner.
    let error = #expect(throws: StructuredError.self) {
      try PairSampler(factors, changing: .fixed(2), stream: stream)
    }
    #expect(
      error?.what.hasPrefix(
        "999 of 2,000 images have no partner that shares factors with them; the first is image 1000, a 1, b 0") == true,
      "\(error?.what ?? "")")
    let sampler = try PairSampler(factors, changing: .uniform, stream: stream)
    let pairs = sampler.pairs(from: [Int](repeating: 3, count: 3_000), at: 0)
    // One factor changes: a, to any of 999 images, since no image is [0, 1].
    #expect(Set(pairs.second).count > 900 && pairs.second.allSatisfy { rows[$0] == [1, 0] })
    rows.removeAll { $0 == [1, 0] }
    let few = Factors.table(try FactorTable(list, values: rows.flatMap { $0 }))
    let both = try PairSampler(few, changing: .fixed(2), stream: stream)
    let seconds = both.pairs(from: [Int](repeating: 3, count: 3_000), at: 0).second
    let counts = Dictionary(seconds.map { ($0, 1) }, uniquingKeysWith: +)
    #expect(counts.count == 3 && counts.keys.allSatisfy { rows[$0] == [1, 1] })
    // 1,000 each, with a standard deviation of 26.
    #expect(counts.values.allSatisfy { abs($0 - 1_000) < 130 }, "\(counts)")
  }

  @Test("The pairs of a step are a pure function of stream and step, and a shuffled grid has pairs") func pure() throws
  {
    let space = try FactorSpace([Factor("a", size: 3), Factor("b", size: 2)])
    var stream = RandomStream(seed: 1)
    let order = stream.permutation(of: 6)
    let table = try FactorTable(space.factors, values: order.flatMap { space.values(at: $0).map { Int32($0) } })
    #expect(table.grid() == nil)
    func sampler(_ seed: UInt64) throws -> PairSampler {
      try PairSampler(.table(table), changing: .fixed(1), stream: RandomStream(seed: seed))
    }
    let one = try sampler(1), later = one.pairs(7, at: 9)
    #expect(
      try sampler(1).pairs(7, at: 9) == later && one.pairs(7, at: 8) != later
        && one.pairs(from: later.first, at: 9) == later)
    #expect(try sampler(2).pairs(7, at: 9) != later)
  }

  @Test("Images without a partner, and too many factors, are an error before training") func refused() throws {
    func error(_ factors: Factors, _ count: PairSampler.ChangedCount, _ redraw: PairSampler.Redraw = .otherValue)
      -> StructuredError?
    {
      #expect(throws: StructuredError.self) {
        try PairSampler(factors, changing: count, redraw: redraw, stream: RandomStream(seed: 1))
      }
    }
    // The last image differs from all others in two factors or three.
    let rows: [[Int32]] = [[0, 0, 0, 0], [0, 0, 1, 0], [1, 0, 1, 0], [1, 0, 0, 0], [2, 0, 2, 1]]
    for redraw in PairSampler.Redraw.allCases {
      let alone = error(try Self.factors(rows), .fixed(1), redraw)
      #expect(
        alone?.what
          == "1 of 5 images have no partner that shares factors with them; the first is image 4, a 2, b 2, c 1")
      #expect(alone?.action?.contains("objective.pairs.changed") == true)
    }
    let sampler = try PairSampler(Self.factors(rows), changing: .fixedOrOne(3), stream: RandomStream(seed: 1))
    #expect(sampler.pairs(from: [4, 4, 4], at: 0).second.allSatisfy { $0 < 4 })
    #expect(error(try Self.factors(), .fixed(4))?.expected == "1 to 3, the number of factors that vary")
    let many = (0..<20).map { Factor("f\($0)", size: 2) }
    let table = Factors.table(
      try FactorTable(many, values: [Int32](repeating: 0, count: 20) + [Int32](repeating: 1, count: 20)))
    #expect(error(table, .uniform)?.what == "20 factors that vary have too many sets that could change in a pair")
    #expect(error(table, .fixed(1))?.what.hasPrefix("2 of 2 images have no partner") == true)
    #expect(
      try PairSampler(
        .table(
          FactorTable(Array(many[..<8]), values: [Int32](repeating: 0, count: 8) + [Int32](repeating: 1, count: 8))),
        changing: .fixed(8), stream: RandomStream(seed: 1)
      ).pairs(from: [0, 1], at: 0).second == [1, 0])
  }
}
