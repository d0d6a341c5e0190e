import Diagnostics
import DisentanglementMetrics
import Foundation
import RateDecomposition
import TensorCore
import TestSupport
import Testing

@Suite struct MetricTests {
  func value(_ results: [TestCodes: MetricResult], _ codes: TestCodes, _ score: String) throws -> Double {
    try #require(results[codes]?.score(score)?.value, "\(codes), \(score)")
  }

  func reason(_ results: [TestCodes: MetricResult], _ codes: TestCodes, _ score: String) throws -> String {
    try #require(results[codes]?.score(score)?.undefined, "\(codes), \(score)")
  }

  @Test func `MIG: 1 for perfect codes, none for doubled or constant ones, little for rotated and random ones`() throws
  {
    let results = try checkMetric(MIG.Configuration.self, "{bootstrap: 4}")
    for codes in [TestCodes.perfect, .deadDimensions, .singleValuedFactor] {
      #expect(abs(try value(results, codes, "mig") - 1) < 1e-12)
    }
    #expect(try value(results, .duplicated, "mig") == 0)
    #expect(try value(results, .constant, "mig") == 0)
    // A single latent that is one of four factors.
    #expect(abs(try value(results, .singleLatent, "mig") - 0.25) < 1e-12)
    #expect(try value(results, .rotated, "mig") < 0.2)
    #expect(try value(results, .random, "mig") < 0.02)
    #expect(try reason(results, .nothingVaries, "mig").contains("No factor takes more than one value"))
    #expect(results[.singleValuedFactor]?.notes == ["The factor color has a single value and is left out."])
    #expect(results[.singleValuedFactor]?.part("gap")?.values.last == .some(nil))
  }

  @Test func `MIG over the posteriors: 1 for perfect codes with little noise, shape in or out`() throws {
    let results = try checkMetric(MIGExact.Configuration.self, threadTolerance: 1e-9)
    for score in ["mig", "mig_without_shape"] {
      // Neighbouring values are at least 8 standard deviations apart.
      #expect(abs(try value(results, .perfect, score) - 1) < 1e-3)
      #expect(abs(try value(results, .deadDimensions, score) - 1) < 1e-3)
      #expect(abs(try value(results, .duplicated, score)) < 1e-6)
      #expect(abs(try value(results, .constant, score)) < 1e-6)
    }
    #expect(abs(try value(results, .singleLatent, "mig") - 0.25) < 1e-3)
    #expect(abs(try value(results, .singleLatent, "mig_without_shape") - 1 / 3) < 1e-3)
  }

  @Test func `MIG over the posteriors says what is missing where only codes are known`() throws {
    let metric = try decode(MIGExact.Configuration.self, "{}").metric()
    let result = try metric.evaluate(
      MetricInput(codes: TestCodes.perfect.codes, device: Device(threads: 1)), stream: RandomStream(seed: 1))
    #expect(result.scores[0].undefined?.contains("without the log-variances") == true)
  }

  @Test func `MIG over the posteriors takes what was measured before, if it is of the same data points`() throws {
    let codes = try TestCodes.perfect.codes, device = Device(threads: 2)
    let table = try PosteriorTable(
      means: codes.codes, logVariances: [Float](repeating: -8, count: codes.codes.count), latents: codes.latents)
    let labels = codes.factorNames.indices.map {
      FactorLabels(
        name: codes.factorNames[$0], values: codes.values(ofFactor: $0), isCategorical: codes.categoricalFactors[$0])
    }
    let metric = try decode(MIGExact.Configuration.self, "{}").metric()
    var input = MetricInput(codes: codes, posterior: table, device: device)
    func result() throws -> MetricResult { try metric.evaluate(input, stream: RandomStream(seed: 1)) }
    let measured = try result()
    let information = try FactorInformation(of: IntegratedPosterior(table, on: device), factors: labels)
    input.factorInformation = information
    #expect(try result() == measured)
    input.factorInformation?.gap = 0.5
    #expect(try result().score("mig")?.value == 0.5, "it is not measured again")
    input.factorInformation?.dataPoints -= 1
    #expect(try result() == measured)
    input.factorInformation = information
    input.factorInformation?.factors[0].name = "another"
    #expect(try result() == measured)
  }

  @Test func `Modularity: 1 for perfect and doubled codes; dead latents count 0 or are left out`() throws {
    let results = try checkMetric(Modularity.Configuration.self, "{bootstrap: 4}")
    let all = "modularity", informative = "modularity_of_informative_latents"
    for codes in [TestCodes.perfect, .duplicated, .singleLatent, .singleValuedFactor] {
      #expect(abs(try value(results, codes, all) - 1) < 1e-12)
    }
    #expect(abs(try value(results, .deadDimensions, all) - 4.0 / 6) < 1e-12)
    #expect(abs(try value(results, .deadDimensions, informative) - 1) < 1e-12)
    #expect(try value(results, .constant, all) == 0)
    #expect(try reason(results, .constant, informative) == "No latent carries information about a factor.")
    #expect(try value(results, .rotated, all) < 0.9)
    let two = try LabeledCodes(codes: [0, 1, 0, 1], latents: 1, factors: [0, 1, 0, 1], names: ["only"])
    let metric = try decode(Modularity.Configuration.self, "{}").metric()
    let result = try metric.evaluate(MetricInput(codes: two, device: Device(threads: 1)), stream: RandomStream(seed: 1))
    #expect(result.scores[0].undefined == "A single factor varies; this score compares several.")
  }

  @Test func `Modularity: a dead latent halves the score of a single one, and its standard error`() throws {
    let random = try TestCodes.random.codes
    let codes = try LabeledCodes(
      codes: (0..<random.count).flatMap { [random.codes[$0 * 4], 0.25] }, latents: 2, factors: random.factors,
      names: random.factorNames)
    let result = try decode(Modularity.Configuration.self, "{bootstrap: 8}").metric()
      .evaluate(MetricInput(codes: codes, device: Device(threads: 1)), stream: RandomStream(seed: 1))
    let errors = result.scores.compactMap(\.standardError), values = result.scores.compactMap(\.value)
    try #require(errors.count == 2 && values.count == 2)
    #expect(abs(values[1] / values[0] - 2) < 1e-12 && abs(errors[1] / errors[0] - 2) < 1e-9)
  }

  @Test func `DCIMIG: 1 for perfect codes even if doubled, none for constants`() throws {
    let results = try checkMetric(DCIMIG.Configuration.self, "{bootstrap: 4}")
    for codes in [TestCodes.perfect, .duplicated, .deadDimensions, .singleValuedFactor] {
      #expect(abs(try value(results, codes, "dcimig") - 1) < 1e-12)
    }
    #expect(try value(results, .constant, "dcimig") == 0)
    let entropies = TestCodes.sizes.map { log(Double($0)) }
    #expect(abs(try value(results, .singleLatent, "dcimig") - entropies[1] / entropies.reduce(0, +)) < 1e-12)
    #expect(try value(results, .rotated, "dcimig") < 0.2)
    #expect(try value(results, .random, "dcimig") < 0.05)
  }

  @Test func `FactorVAE score: 1 for perfect codes, chance for random ones, 0 where no latent moves`() throws {
    let results = try checkMetric(FactorVAEScore.Configuration.self, preset: .fast)
    for codes in [TestCodes.perfect, .duplicated, .deadDimensions, .singleValuedFactor] {
      #expect(try value(results, codes, "score") == 1)
    }
    #expect(try value(results, .constant, "score") == 0)
    // Four factors: chance is 0.25 with a standard error of 0.014; a single latent has one vote.
    #expect(abs(try value(results, .random, "score") - 0.25) < 0.07)
    #expect(abs(try value(results, .singleLatent, "score") - 0.25) < 0.07)
    #expect(try reason(results, .nothingVaries, "score").hasPrefix("No factor"))
  }

  @Test func `FactorVAE score: stored batches that are not of these data are refused`() throws {
    let codes = try TestCodes.perfect.codes
    func message(_ batches: StoredBatches) throws -> String? {
      let input = MetricInput(codes: codes, factorVAEBatches: batches, device: Device(threads: 1))
      let metric = try decode(FactorVAEScore.Configuration.self, "{}").metric()
      return #expect(throws: StructuredError.self) {
        try metric.evaluate(input, stream: RandomStream(seed: 1))
      }?.description
    }
    let good = [0, 1, 2]
    #expect(
      try message(StoredBatches(factors: [0, 9], rows: [good, good]))
        == "stored batches: batch 1 has the factor 9 (expected 0 to 3)")
    #expect(
      try message(StoredBatches(factors: [0, 0], rows: [good, [0, 1152]]))
        == "stored batches: batch 1 has the row 1152 (expected 0 to 1151)")
    #expect(
      try message(StoredBatches(factors: [0, 3], rows: [good, good]))?
        .hasPrefix("stored batches: the rows of batch 1 differ in the factor y") == true)
    #expect(try message(StoredBatches(factors: [0], rows: [good]))?.contains("at least two") == true)
  }

  @Test func `IRS: 1 for perfect codes, a sentence for constants`() throws {
    let results = try checkMetric(IRS.Configuration.self, "{bootstrap: 4}")
    for codes in [TestCodes.perfect, .duplicated, .deadDimensions, .singleLatent, .singleValuedFactor] {
      #expect(abs(try value(results, codes, "irs") - 1) < 1e-6)
    }
    #expect(try reason(results, .constant, "irs") == "Every latent is constant, so the codes carry no information.")
    #expect(try value(results, .rotated, "irs") < 0.7)
    #expect(try value(results, .random, "irs") < 0.4)
  }

  @Test(arguments: InfoMEC.Estimator.allCases)
  func `InfoMEC: modular and compact for perfect codes, not compact for doubled ones`(estimator: InfoMEC.Estimator)
    throws
  {
    let results = try checkMetric(InfoMEC.Configuration.self, "{estimator: \(estimator), groups: 4}")
    // The digamma function is only nearly a logarithm; plugged-in information of these codes is exact.
    let tolerance = estimator == .bins ? 1e-9 : 0.02
    for codes in [TestCodes.perfect, .deadDimensions, .singleValuedFactor] {
      #expect(abs(try value(results, codes, "modularity") - 1) < tolerance)
      #expect(abs(try value(results, codes, "compactness") - 1) < tolerance)
    }
    #expect(abs(try value(results, .duplicated, "modularity") - 1) < tolerance)
    #expect(abs(try value(results, .duplicated, "compactness") - (0.5 - 1.0 / 8) / (1 - 1.0 / 8)) < tolerance)
    // Each latent tells something of every factor, relative to its entropy most of the one with fewest values.
    #expect(try value(results, .rotated, "modularity") < 0.6)
    #expect(
      try reason(results, .constant, "modularity") == "Every latent is constant, so the codes carry no information.")
    #expect(try reason(results, .singleLatent, "compactness").hasPrefix("A single latent is active"))
  }

  @Test func `Unsupervised scores: 0 for independent codes, infinite total correlation for doubled ones`() throws {
    let results = try checkMetric(Unsupervised.Configuration.self, "{bootstrap: 4}")
    let total = "gaussian_total_correlation", distance = "gaussian_wasserstein_correlation"
    for codes in [TestCodes.perfect, .deadDimensions, .rotated] {
      // Codes are single precision.
      #expect(abs(try value(results, codes, total)) < 1e-6)
      #expect(abs(try value(results, codes, distance)) < 1e-6)
    }
    #expect(abs(try value(results, .perfect, "mutual_information_score")) < 1e-12)
    #expect(try value(results, .rotated, "mutual_information_score") > 0.01)
    #expect(try reason(results, .duplicated, total).hasPrefix("Some latents are linear functions of others"))
    // Each of four pairs of equal latents of variance s² is s²(4 − 2√2) away; s² has the divisor N − 1.
    let expected = 4 * (4 - 2 * 2.0.squareRoot()) * 1152 / 1151
    #expect(abs(try value(results, .duplicated, distance) - expected) < 1e-6)
    #expect(try reason(results, .constant, total) == "Every latent is constant, so the codes carry no information.")
    #expect(try reason(results, .singleLatent, "mutual_information_score").hasPrefix("There is a single latent"))
  }

  @Test func `Eigenvalues give total correlation and distance of a correlated pair in closed form`() {
    let rho = 0.8, covariance = [4, 2 * rho, 2 * rho, 1]
    let total = GaussianDependence.totalCorrelation(covariance, size: 2) ?? .nan
    #expect(abs(total + 0.5 * log(1 - rho * rho)) < 1e-14)
    #expect(GaussianDependence.totalCorrelation([1, 1, 1, 1], size: 2) == nil)
    // tr (D^½ Σ D^½)^½ of a 2 × 2 matrix A is √(tr A + 2√det A), with A = [[16, 8ρ/2·…]].
    let a = [16.0, 2 * 1 * 2 * rho, 2 * 1 * 2 * rho, 1.0]
    let root = (a[0] + a[3] + 2 * (a[0] * a[3] - a[1] * a[2]).squareRoot()).squareRoot()
    #expect(abs(GaussianDependence.squaredWasserstein(covariance, size: 2) - (10 - 2 * root)) < 1e-13)
  }

  @Test func `UDR: runs with the same latents in another order agree, and random ones do not`() throws {
    let perfect = try TestCodes.perfect.codes, device = Device(threads: 2)
    var shuffled = perfect.codes
    for row in 0..<perfect.count {
      for latent in 0..<4 { shuffled[row * 4 + latent] = -2 * perfect.codes[row * 4 + 3 - latent] }
    }
    let other = try LabeledCodes(codes: shuffled, latents: 4, factors: perfect.factors, names: perfect.factorNames)
    let runs = [perfect, other, try TestCodes.random.codes].map { MetricInput(codes: $0, device: device) }
    let udr = try #require(
      decode(UDR.Configuration.self, "{relations: [spearman]}").metric() as? any MultiRunMetric)
    let result = try udr.compare(Array(runs[0..<2]), labels: ["a", "b"], stream: RandomStream(seed: 1))
    // Ranks of all 1,000 sampled points: chance correlations of 1/√1000 between latents remain.
    #expect(try #require(result.score("spearman a")?.value) > 0.85)
    #expect(result.notes == ["The KL of latents is not known for a, b; all of them take part."])
    let third = try udr.compare(runs, labels: ["a", "b", "c"], stream: RandomStream(seed: 1))
    #expect(try #require(third.score("spearman c")?.value) < 0.1)
    #expect(throws: StructuredError.self) { try udr.compare([runs[0]], labels: ["a"], stream: RandomStream(seed: 1)) }
    let short = MetricInput(codes: perfect.rows([0, 1]), device: device)
    let error = #expect(throws: StructuredError.self) {
      try udr.compare([runs[0], short], labels: ["a", "b"], stream: RandomStream(seed: 1))
    }
    #expect(error?.description.hasPrefix("b: the codes are of other data points than those of a") == true)
    _ = try checkMetric(UDR.Configuration.self, "{relations: [spearman]}")
  }

  @Test func `Rank correlations of three runs with dead latents have no NaN`() throws {
    let codes = try [TestCodes.deadDimensions, .constant, .singleLatent].map { try $0.input() }
    let udr = try #require(decode(UDR.Configuration.self, "{}").metric() as? any MultiRunMetric)
    for runs in [codes, codes.map { MetricInput(codes: $0.codes, device: $0.device) }] {
      let result = try udr.compare(runs, labels: ["dead", "constant", "single"], stream: RandomStream(seed: 1))
      for score in result.scores { #expect(score.value?.isFinite ?? (score.undefined != nil), "\(score)") }
      #expect(result.parts.allSatisfy { $0.values.allSatisfy { $0 != nil } })
    }
  }

  @Test(arguments: ["mig", "dcimig", "irs", "unsupervised", "infomec"])
  func `Standard errors are what other data points would change`(name: String) throws {
    let entry = try #require(Registry<MetricEntry>.standard.entries.first { $0.name == name })
    let metric = try decode(entry.configuration, name == "infomec" ? "{}" : "{bootstrap: 30}").metric()
    let repeats = 60, grid = try TestCodes.perfect.codes
    var values: [Double] = [], errors: [Double] = []
    for repetition in 0..<repeats {
      // New data points: factors drawn anew, latents that mix two factors and noise.
      var stream = RandomStream(seed: 5).split("repeat", repetition)
      let rows = (0..<1000).map { _ in stream.integer(below: grid.count) }
      var codes: [Float] = []
      for row in rows {
        for d in 0..<4 {
          let noise = 0.3 * Float(stream.normalPair().0), neighbor = grid.codes[row * 4 + (d + 1) % 4]
          codes.append(grid.codes[row * 4 + d] + 0.4 * neighbor + noise)
        }
      }
      let data = try LabeledCodes(
        codes: codes, latents: 4, factors: grid.rows(rows).factors, names: grid.factorNames, sizes: TestCodes.sizes)
      let score = try metric.evaluate(MetricInput(codes: data, device: Device(threads: 2)), stream: stream).scores[0]
      values.append(try #require(score.value))
      errors.append(try #require(score.standardError))
    }
    let mean = values.reduce(0, +) / Double(repeats)
    let spread = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(repeats - 1)).squareRoot()
    let error = errors.reduce(0, +) / Double(repeats)
    // The spread of 60 values is known to 9 %. An extreme, as in IRS, has no exact bootstrap.
    #expect((name == "irs" ? 0.5...2 : 0.7...1.4).contains(error / spread), "\(name): \(error) for \(spread)")
  }

  @Test func `The FactorVAE score's standard error is the spread over other votes`() throws {
    let input = try TestCodes.rotated.input(),
      metric = try decode(FactorVAEScore.Configuration.self, "{}", preset: .fast).metric()
    let scores = try (0..<30).map { try metric.evaluate(input, stream: RandomStream(seed: $0)).scores[0] }
    let values = scores.compactMap(\.value), mean = values.reduce(0, +) / 30
    let spread = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 29).squareRoot()
    let error = try #require(scores[0].standardError)
    // The classifier is drawn anew, too; the spread of 30 values is known to 13 %.
    #expect((0.6...1.4).contains(error / spread), "\(error) for \(spread)")
  }
}
