import Diagnostics
import FactorData
import TensorCore
import TestSupport
import Testing

@Suite struct PairSamplerTests {
  private struct Case: Sendable, CustomTestStringConvertible {
    let count: PairSampler.ChangedCount
    let redraw: PairSampler.Redraw
    var testDescription: String { "\(count), \(redraw)" }
  }

  private static let cases = [
    PairSampler.ChangedCount.fixed(1), .fixed(2), .fixed(3), .uniform, .fixedOrOne(2), .fixedOrOne(3), .uniformOrOne,
  ].flatMap { count in PairSampler.Redraw.allCases.map { Case(count: count, redraw: $0) } }

  /// A grid with a factor of a single value in the midst.
  private static let space = Result {
    try FactorSpace([Factor("a", size: 2), Factor("b", size: 3), Factor("one", size: 1), Factor("c", size: 2)])
  }

  /// What a pair shows.
  private struct Outcome: Hashable {
    let first: Int
    let second: Int
    let shared: [Bool]
  }

  /// The probability of every outcome, by walking through all choices.
  private static func probabilities(_ item: Case) throws -> [Outcome: Double] {
    let space = try space.get(), varying = [0, 1, 3]
    let counts: [Int: Double] =
      switch item.count {
      case .fixed(let k): [k: 1]
      case .uniform: [1: 0.5, 2: 0.5]
      case .fixedOrOne(let k): [1: 0.5, k: 0.5]
      case .uniformOrOne: [1: 0.75, 2: 0.25]
      }
    var result: [Outcome: Double] = [:]
    for (k, probability) in counts {
      let subsets = (0..<8).map { bits in (0..<3).filter { bits >> $0 & 1 == 1 }.map { varying[$0] } }
        .filter { $0.count == k }
      for subset in subsets {
        for first in 0..<space.count {
          let old = space.values(at: first)
          // All second images that differ in the subset only, each equally likely.
          let seconds = try (0..<space.count).map { space.values(at: $0) }.filter { new in
            space.factors.indices.allSatisfy { f in
              subset.contains(f) ? item.redraw == .anyValue || new[f] != old[f] : new[f] == old[f]
            }
          }.map(space.index(of:))
          for second in seconds {
            let outcome = Outcome(
              first: first, second: second, shared: space.factors.indices.map { !subset.contains($0) })
            result[outcome, default: 0] +=
              probability / Double(subsets.count) / Double(space.count) / Double(seconds.count)
          }
        }
      }
    }
    return result
  }

  @Test("Pairs are as frequent as the definition says, and no others occur", arguments: cases)
  private func frequencies(item: Case) throws {
    let space = try Self.space.get(), expected = try Self.probabilities(item)
    let sampler = try PairSampler(
      .grid(space), changing: item.count, redraw: item.redraw, stream: RandomStream(seed: 3))
    var counts: [Outcome: Int] = [:]
    for step in 0..<400 {
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

  @Test("The pairs of a step are a pure function of stream and step") func pure() throws {
    let factors = Factors.grid(try Self.space.get())
    func sampler(_ seed: UInt64) throws -> PairSampler {
      try PairSampler(factors, changing: .uniform, stream: RandomStream(seed: seed))
    }
    let one = try sampler(1), again = try sampler(1)
    let later = one.pairs(7, at: 9)
    for step in 0..<9 { _ = again.pairs(7, at: step) }
    #expect(again.pairs(7, at: 9) == later && one.pairs(7, at: 9) == later)
    #expect(one.pairs(7, at: 8) != later)
    #expect(try sampler(2).pairs(7, at: 9) != later)
    #expect(one.pairs(from: later.first, at: 9) == later)
    #expect(later.first.count == 7 && later.second.count == 7 && later.shared.count == 28 && one.factors.count == 4)
  }

  @Test("On a full grid the second images are the grid's arithmetic, draw for draw") func arithmetic() throws {
    let space = try Self.space.get(), root = RandomStream(seed: 12), first = [0, 3, 11, 7, 7, 2]
    for redraw in PairSampler.Redraw.allCases {
      let sampler = try PairSampler(.grid(space), changing: .uniform, redraw: redraw, stream: root)
      var stream = root.split("second images", 5), expected = first
      for row in first.indices {
        for position in stream.distinct(1 + stream.integer(below: 2), below: 3) {
          let factor = [0, 1, 3][position], old = space.value(of: factor, at: first[row])
          var new = stream.integer(below: space.sizes[factor] - (redraw == .otherValue ? 1 : 0))
          if redraw == .otherValue, new >= old { new += 1 }
          expected[row] += (new - old) * space.strides[factor]
        }
      }
      #expect(sampler.pairs(from: first, at: 5).second == expected)
    }
  }

  @Test("Without factors, with unknown ones, or with numbers that do not suit, there are no pairs") func refused()
    throws
  {
    let space = try Self.space.get(), stream = RandomStream(seed: 1)
    func error(_ factors: Factors, _ count: PairSampler.ChangedCount) -> StructuredError? {
      #expect(throws: StructuredError.self) { try PairSampler(factors, changing: count, stream: stream) }
    }
    #expect(error(.none, .uniform)?.what == "the data set has no factors")
    let unknown = try FactorTable([Factor("a", size: 2)], values: [1, 0, -1])
    #expect(error(.table(unknown), .fixed(1))?.what == "the factor \"a\" is unknown for 1 of 3 images")
    #expect(error(.grid(space), .fixed(4))?.expected == "1 to 3, the number of factors that vary")
    #expect(error(.grid(space), .fixed(0))?.what == "0 factors cannot change in a pair")
    #expect(error(.grid(space), .fixedOrOne(4)) != nil)
    let single = Factors.grid(try FactorSpace([Factor("a", size: 5), Factor("b", size: 1)]))
    #expect(error(single, .uniform)?.expected == "at least 2 factors that vary, not 1")
    let pairs = try PairSampler(single, changing: .fixed(1), stream: stream).pairs(50, at: 0)
    #expect(zip(pairs.first, pairs.second).allSatisfy { $0 != $1 })
  }
}
