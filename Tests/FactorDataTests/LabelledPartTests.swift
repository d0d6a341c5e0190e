import Diagnostics
import FactorData
import TensorCore
import Testing

@Suite struct LabelledPartTests {
  private static let list = [Factor("a", size: 4), Factor("b", size: 5)]

  private func grid() throws -> Factors { .grid(try FactorSpace(Self.list)) }

  @Test("The part is fixed by the stream, and carries the values of its images") func part() throws {
    let factors = try grid()
    let part = try LabelledPart(7, of: factors, stream: RandomStream(seed: 2))
    #expect(part.indices.count == 7 && Set(part.indices).count == 7 && part.indices == part.indices.sorted())
    #expect(part.values.map { Int($0) } == part.indices.flatMap { factors.values(at: $0).compactMap { $0 } })
    #expect(part.factors == Self.list)
    #expect(try LabelledPart(7, of: factors, stream: RandomStream(seed: 2)) == part)
    #expect(try LabelledPart(7, of: factors, stream: RandomStream(seed: 3)).indices != part.indices)
    #expect(try LabelledPart(20, of: factors, stream: RandomStream(seed: 2)).indices == Array(0..<20))
  }

  @Test("Every image is in the part equally often, over many streams") func uniform() throws {
    let factors = try grid(), count = 2_000
    var times = [Int](repeating: 0, count: 20)
    for seed in 0..<count {
      for index in try LabelledPart(5, of: factors, stream: RandomStream(seed: UInt64(seed))).indices {
        times[index] += 1
      }
    }
    // Binomial with p = 1/4: five standard deviations are exceeded by one of 20 images once in 90,000 tries.
    let deviation = (Double(count) * 0.25 * 0.75).squareRoot()
    #expect(times.allSatisfy { abs(Double($0) - 0.25 * Double(count)) < 5 * deviation }, "\(times)")
  }

  @Test("Batches are pure functions of the step, drawn uniformly from the part") func batches() throws {
    let factors = try grid(), part = try LabelledPart(5, of: factors, stream: RandomStream(seed: 4))
    let later = part.batch(64, at: 11)
    for step in 0..<11 { _ = part.batch(64, at: step) }
    #expect(part.batch(64, at: 11) == later && part.batch(64, at: 12) != later)
    #expect(later.indices.count == 64 && later.values.count == 128)
    var times: [Int: Int] = [:]
    for step in 0..<200 {
      let batch = part.batch(50, at: step)
      for (row, index) in batch.indices.enumerated() {
        times[index, default: 0] += 1
        #expect([Int(batch.values[2 * row]), Int(batch.values[2 * row + 1])] == [index / 5, index % 5])
      }
    }
    // Binomial with 10,000 draws and p = 1/5: standard deviation 40.
    #expect(Set(times.keys) == Set(part.indices) && times.values.allSatisfy { abs($0 - 2_000) < 200 }, "\(times)")
  }

  @Test("Of a table with unknown values, only images whose factors are all known are labelled") func partlyKnown()
    throws
  {
    let values: [Int32] = [0, 0, 1, -1, 2, 3, -1, 4, 3, 1]
    let factors = Factors.table(try FactorTable(Self.list, values: values))
    let all = try LabelledPart(3, of: factors, stream: RandomStream(seed: 1))
    #expect(all.indices == [0, 2, 4] && all.values == [0, 0, 2, 3, 3, 1])
    let error = #expect(throws: StructuredError.self) {
      try LabelledPart(4, of: factors, stream: RandomStream(seed: 1))
    }
    #expect(error?.what == "4 labelled images were asked for, but 3 of 5 have known values of all factors")
    #expect(throws: StructuredError.self) { try LabelledPart(0, of: factors, stream: RandomStream(seed: 1)) }
    let none = #expect(throws: StructuredError.self) { try LabelledPart(1, of: .none, stream: RandomStream(seed: 1)) }
    #expect(none?.what == "the data set has no factors")
  }
}
