import DisentanglementMetrics
import Foundation
import TensorCore
import TestSupport
import Testing

@Suite struct DiscretizationTests {
  @Test func `The largest value falls into the last bin, and a constant into one`() {
    #expect(equalWidthBins([0, 0.05, 0.1, 0.95, 1], bins: 10) == [0, 0, 1, 9, 9])
    #expect(equalWidthBins([3, 3, 3], bins: 20) == [0, 0, 0])
    #expect(equalWidthBins([0, .leastNonzeroMagnitude], bins: 20) == [0, 0])
  }

  @Test(arguments: GoldenMetrics.representations)
  func `Bins, mutual information and entropies of the golden set metrics`(representation: String) throws {
    let golden = try GoldenMetrics(representation)
    let bins = DiscreteColumns(binning: golden.codes, bins: 20), factors = DiscreteColumns(factorsOf: golden.codes)
    let first = (0..<1000).flatMap { row in bins.columns.map { Int($0[row]) + 1 } }
    let reference = try golden.scores.read("mig/bins_first1000", as: Int.self).values
    // Any numbering of a constant, which is the last column of mixed_const, will do.
    let kept = first.indices.filter { representation != "mixed_const" || $0 % 10 != 9 }
    let same = first.count == reference.count && kept.allSatisfy { first[$0] == reference[$0] }
    #expect(same)
    let information = DiscreteInformation.mutualInformation(bins, factors, device: Device(threads: 2))
    // Sums of at most 800 terms in double precision.
    #expect(absoluteDifference(information, try golden.array("mig/mutual_information")) < 1e-11)
    #expect(absoluteDifference(DiscreteInformation.entropies(factors), try golden.array("mig/entropy")) < 1e-11)
    let codes = DiscreteInformation.mutualInformation(bins, bins)
    #expect(absoluteDifference(codes, try golden.array("unsupervised/code_mutual_information")) < 1e-11)
  }

  @Test func `Columns that are independent in the sample have no information, and a row may count twice`() {
    let columns = DiscreteColumns([[0, 0, 1, 1], [0, 1, 0, 1]], sizes: [2, 2])
    let information = DiscreteInformation.mutualInformation(columns, columns)
    #expect(information[1] == 0)
    #expect(abs(information[0] - log(2)) < 1e-15)
    let doubled = DiscreteInformation.mutualInformation(columns, columns, multiplicities: [2, 0, 0, 2])
    #expect(abs(doubled[1] - log(2)) < 1e-15)
    #expect(DiscreteInformation.entropies(columns, multiplicities: [1, 1, 0, 0]) == [0, log(2)])
  }
}

@Suite struct FactorRowsTests {
  @Test func `Rows are found by a factor's value, and batches share one`() throws {
    let codes = try TestCodes.perfect.codes, rows = FactorRows(codes)
    #expect(rows.count(factor: 0, value: 2) == 384)
    #expect(rows.rows(factor: 3, value: 5) == (0..<codes.count).filter { $0 % 8 == 5 })
    var stream = RandomStream(seed: 1)
    for factor in 0..<4 {
      let batch = rows.batch(sharing: factor, count: 50, stream: &stream)
      #expect(Set(batch.map { codes.factors[$0 * 4 + factor] }).count == 1)
      #expect(Set(batch.map { codes.factors[$0 * 4 + (factor + 1) % 4] }).count > 1)
    }
  }

  @Test func `Every row of a value is drawn equally often`() throws {
    let rows = FactorRows(try TestCodes.perfect.codes)
    var stream = RandomStream(seed: 2), counts = [Int](repeating: 0, count: 1152)
    for _ in 0..<38_400 { counts[rows.row(sharing: 0, with: 500, stream: &stream)] += 1 }
    let drawn = counts[384..<768]
    #expect(counts.reduce(0, +) == drawn.reduce(0, +))
    let found = ChiSquared(uniform: Array(drawn))
    #expect(found.deviations < 5, "\(found)")
  }
}
