import DisentanglementMetrics
import Foundation
import RateDecomposition
import TensorCore
import TestSupport
import Testing

/// Data points that are not a full grid: combinations of values are missing, occur several times, and are in no order. What
/// metrics draw and count of them is compared with walking through all data points.
@Suite struct IncompleteGridTests {
  /// Factors a (3 values), b (4) and c (2), and two latents that mix them.
  private static let table: [[Int32]] = [
    [2, 3, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1], [0, 1, 0], [2, 3, 0], [1, 2, 0], [0, 2, 1], [2, 0, 1], [1, 1, 1],
    [1, 0, 0], [0, 1, 0], [2, 2, 0], [1, 0, 1],
  ]

  private static func codes(of rows: [[Int32]] = table, _ code: ([Int32]) -> [Float] = mixed) throws -> LabeledCodes {
    let codes = rows.map(code)
    return try LabeledCodes(
      codes: codes.flatMap { $0 }, latents: codes[0].count, factors: rows.flatMap { $0 },
      names: (0..<rows[0].count).map { "f\($0)" })
  }

  private static func mixed(_ v: [Int32]) -> [Float] {
    [Float(v[0]) + 0.3 * Float(v[1]), Float(v[1]) - 0.5 * Float(v[2]), 2 * Float(v[2]) + 0.1 * Float(v[0])]
  }

  /// Whether counts of draws are as probabilities say, and nothing else is drawn.
  private func expectFrequencies(
    _ counts: [Int], _ probabilities: [Double], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let found = ChiSquared(counts, probabilities)
    #expect(found.deviations < 5, "\(found)", sourceLocation: sourceLocation)
  }

  @Test func `Rows with a factor's value are drawn equally often, whatever the table`() throws {
    let codes = try Self.codes(), rows = FactorRows(codes), all = Self.table
    for factor in 0..<3 {
      for value in 0..<codes.factorSizes[factor] {
        let expected = all.indices.filter { all[$0][factor] == Int32(value) }
        #expect(rows.rows(factor: factor, value: value) == expected)
        #expect(rows.count(factor: factor, value: value) == expected.count)
      }
      // Batches of three: a leader, and each member one of the leader's value.
      var counts = [Int](repeating: 0, count: all.count), pairs = counts, stream = RandomStream(seed: 4)
      for _ in 0..<20_000 {
        let batch = rows.batch(sharing: factor, count: 3, stream: &stream)
        #expect(Set(batch.map { all[$0][factor] }).count == 1)
        counts[batch[0]] += 1
        pairs[rows.row(sharing: factor, with: 3, stream: &stream)] += 1
      }
      expectFrequencies(counts, [Double](repeating: 1 / Double(all.count), count: all.count))
      let same = all.map { $0[factor] == all[3][factor] }, share = 1 / Double(same.count { $0 })
      expectFrequencies(pairs, same.map { $0 ? share : 0 })
    }
  }

  @Test func `Values of a single row are not held fixed`() throws {
    let codes = try Self.codes(of: [[0, 0], [1, 0], [0, 1], [2, 2], [1, 3]]) { [Float($0[0])] },
      rows = FactorRows(codes)
    #expect(rows.drawableRows(factor: 0) == [0, 1, 2, 4] && rows.drawableRows(factor: 1) == [0, 1])
    #expect(rows.drawableCount(factor: 0) == 4 && rows.drawableCount(factor: 1) == 2)
    var stream = RandomStream(seed: 6), counts = [Int](repeating: 0, count: 5)
    for _ in 0..<4_000 { counts[rows.drawableRow(factor: 0, stream: &stream)] += 1 }
    expectFrequencies(counts, [0.25, 0.25, 0.25, 0, 0.25])
    let perfect = FactorRows(try TestCodes.perfect.codes)
    #expect(perfect.drawableCount(factor: 2) == 1152 && perfect.drawableRows(factor: 2) == Array(0..<1152))
  }

  /// The probability of each vote [K, D], by walking through all batches of two rows.
  private func votes(_ codes: LabeledCodes) -> [Double] {
    let n = codes.count, d = codes.latents, k = codes.factorCount
    let columns = (0..<d).map { codes.values(ofLatent: $0).map(Double.init) }
    let variances = columns.map { column in
      let mean = column.reduce(0, +) / Double(n)
      return column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n - 1)
    }
    var table = [Double](repeating: 0, count: k * d)
    for factor in 0..<k {
      let values = codes.values(ofFactor: factor)
      for leader in 0..<n {
        let group = (0..<n).filter { values[$0] == values[leader] }
        for i in group {
          for j in group {
            let ratios = (0..<d).map { pow(columns[$0][i] - columns[$0][j], 2) / variances[$0] }
            let vote = (0..<d).min { ratios[$0] < ratios[$1] }!
            table[factor * d + vote] += 1 / Double(k) / Double(n) / Double(group.count * group.count)
          }
        }
      }
    }
    return table
  }

  @Test func `FactorVAE score: votes are as frequent as walking through all batches says`() throws {
    let codes = try Self.codes(), expected = votes(codes)
    let metric = try decode(
      FactorVAEScore.Configuration.self,
      "{batch_size: 2, variance_points: 0, train_votes: 40000, evaluation_votes: 40000}"
    ).metric()
    let result = try metric.evaluate(
      MetricInput(codes: codes, device: Device(threads: 2)), stream: RandomStream(seed: 8))
    for part in ["train_votes", "evaluation_votes"] {
      let counts = try #require(result.part(part)).values.map { Int($0 ?? -1) }
      expectFrequencies(counts, expected)
    }
    // Each latent stands for the factor with most of its votes.
    let best = (0..<3).reduce(0.0) { sum, d in sum + (0..<3).map { expected[$0 * 3 + d] }.max()! }
    let score = try #require(result.score("score"))
    #expect(abs(try #require(score.value) - best) < 5 * (try #require(score.standardError)))
    #expect(result.notes.isEmpty)
  }

  @Test func `β-VAE score: points are as walking through all pairs says`() throws {
    // The latent is factor 0: pairs that share it have difference 0, those that share factor 1 often another.
    let codes = try Self.codes(of: Self.table.map { Array($0[..<2]) }) { [Float($0[0])] }
    let n = codes.count, values = codes.values(ofFactor: 0), others = codes.values(ofFactor: 1)
    var same = 0.0
    for first in 0..<n {
      let group = (0..<n).filter { others[$0] == others[first] }
      same += Double(group.count { values[$0] == values[first] }) / Double(group.count) / Double(n)
    }
    let metric = try decode(
      BetaVAEScore.Configuration.self, "{batch_size: 1, train_points: 20000, evaluation_points: 100000}"
    ).metric()
    let result = try metric.evaluate(
      MetricInput(codes: codes, device: Device(threads: 2)), stream: RandomStream(seed: 9))
    let score = try #require(result.score("score")), accuracy = try #require(result.part("accuracy")).values
    #expect(accuracy[0] == 1)
    // A binomial share of some 50,000 points. Were one image of each value left out, it would be off by eight such errors.
    let error = (same * (1 - same) / 50_000).squareRoot()
    #expect(abs(try #require(accuracy[1]) - (1 - same)) < 5 * error, "\(accuracy), \(1 - same)")
    #expect(abs(try #require(score.value) - (1 - same / 2)) < 5 * (try #require(score.standardError)))
  }

  @Test func `MIG and modularity are as counting all pairs of values says`() throws {
    let codes = try Self.codes(), n = Double(codes.count)
    func entropy(_ keys: [[Double]]) -> Double {
      let counts = Dictionary(keys.map { ($0, 1.0) }, uniquingKeysWith: +)
      return -counts.values.reduce(0) { $0 + $1 / n * log($1 / n) }
    }
    // 1,000 bins keep all values of the latents apart.
    let latents = (0..<3).map { codes.values(ofLatent: $0).map(Double.init) }
    let factors = (0..<3).map { codes.values(ofFactor: $0).map(Double.init) }
    let entropies = factors.map { entropy($0.map { [$0] }) }
    let information = latents.map { (z: [Double]) -> [Double] in
      (0..<3).map { k in
        entropy(z.map { [$0] }) + entropies[k] - entropy(zip(z, factors[k]).map { [$0, $1] })
      }
    }
    func evaluate(_ type: any MetricConfiguration.Type) throws -> MetricResult {
      try decode(type, "{points: 0, bins: 1000, bootstrap: 0}").metric().evaluate(
        MetricInput(codes: codes, device: Device(threads: 2)), stream: RandomStream(seed: 1))
    }
    let mig = try evaluate(MIG.Configuration.self)
    let matrix = try #require(mig.part("mutual_information")).values.map { $0 ?? .nan }
    #expect(absoluteDifference(matrix, information.flatMap { $0 }) < 1e-13)
    let gaps = (0..<3).map { k in
      let sorted = information.map { $0[k] }.sorted(by: >)
      return (sorted[0] - sorted[1]) / entropies[k]
    }
    let expectedGap: Double = gaps.reduce(0, +) / 3
    let gap = try #require(mig.score("mig")?.value)
    #expect(abs(gap - expectedGap) < 1e-13)
    let modularities = information.map { (row: [Double]) -> Double in
      let largest = row.reduce(0, max), squares = row.reduce(0) { $0 + $1 * $1 }
      return 1 - (squares - largest * largest) / (2 * largest * largest)
    }
    let expectedModularity: Double = modularities.reduce(0, +) / 3
    let modularity = try #require(evaluate(Modularity.Configuration.self).score("modularity")?.value)
    #expect(abs(modularity - expectedModularity) < 1e-12)
  }

  @Test func `A factor that tells all data points apart is left out where one is held fixed, and the notes say so`()
    throws
  {
    let results = try (
      checkMetric(FactorVAEScore.Configuration.self, preset: .fast),
      checkMetric(BetaVAEScore.Configuration.self, "{train_points: 600, evaluation_points: 400}"),
      checkMetric(IRS.Configuration.self, "{bootstrap: 0, factor_bins: 0}")
    )
    let note = "No two data points share a value of the factor image, which is left out."
    for result in [results.0, results.1] {
      let found = try #require(result[.identifiers])
      #expect(found.notes == [note], "\(found.notes)")
      #expect(found.score("score")?.value ?? 0 > 0.99)
      #expect(result[.perfect]?.notes == [])
    }
    #expect(
      results.2[.identifiers]?.notes == [
        "61 of 61 values of the factor image have a single data point, which does not deviate from its mean."
      ])
    // Of three data points, two share a value of the shape.
    let few = try #require(results.0[.threePoints])
    #expect(
      few.notes.contains(
        "1 of 3 data points have a value of the factor shape that no other has, and are not drawn while it is held fixed."
      ))
    let apart = try Self.codes(of: [[0, 0], [1, 1], [2, 2]]) { [Float($0[0])] }
    let metric = try decode(FactorVAEScore.Configuration.self, "{}").metric()
    let undefined = try metric.evaluate(
      MetricInput(codes: apart, device: Device(threads: 1)), stream: RandomStream(seed: 1))
    #expect(undefined.scores[0].undefined == "No two data points share a value of a factor that varies.")
  }
}
