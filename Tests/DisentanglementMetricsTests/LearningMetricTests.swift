import DisentanglementMetrics
import Foundation
import TensorCore
import TestSupport
import Testing

/// The metrics that learn, on codes of which each must know what to say.
@Suite struct LearningMetricTests {
  func value(_ results: [TestCodes: MetricResult], _ codes: TestCodes, _ score: String) throws -> Double {
    try #require(results[codes]?.score(score)?.value, "\(codes), \(score)")
  }

  func reason(_ results: [TestCodes: MetricResult], _ codes: TestCodes, _ score: String) throws -> String {
    try #require(results[codes]?.score(score)?.undefined, "\(codes), \(score)")
  }

  @Test func `β-VAE score: 1 for perfect, doubled and rotated codes, chance for constant and random ones`() throws {
    let results = try checkMetric(BetaVAEScore.Configuration.self, "{train_points: 600, evaluation_points: 400}")
    for codes in [TestCodes.perfect, .duplicated, .deadDimensions, .singleValuedFactor] {
      #expect(try value(results, codes, "score") > 0.99)
    }
    // Four factors: chance is 0.25 with a standard error of 0.022.
    #expect(abs(try value(results, .constant, "score") - 0.25) < 0.1)
    #expect(abs(try value(results, .random, "score") - 0.25) < 0.1)
    #expect(try reason(results, .nothingVaries, "score").hasPrefix("No factor"))
  }

  @Test func `SAP: a gap for perfect codes, none for doubled ones, little for rotated and random ones`() throws {
    let results = try checkMetric(SAP.Configuration.self, "{bootstrap: 4}")
    for codes in [TestCodes.perfect, .deadDimensions, .singleValuedFactor] {
      #expect(try value(results, codes, "sap_discrete") > 0.15)
      // A latent that is the factor, and others that are independent of it, in a random half of the grid.
      #expect(try value(results, codes, "sap_continuous") > 0.95)
    }
    #expect(try value(results, .duplicated, "sap_discrete") == 0)
    #expect(abs(try value(results, .duplicated, "sap_continuous")) < 1e-12)
    #expect(try value(results, .constant, "sap_continuous") == 0)
    #expect(try value(results, .rotated, "sap_continuous") < 0.1)
    #expect(try value(results, .random, "sap_discrete") < 0.1)
    #expect(try reason(results, .singleLatent, "sap_discrete").hasPrefix("There is a single latent"))
    #expect(try reason(results, .onePoint, "sap_discrete").hasPrefix("No factor"))
    #expect(results[.perfect]?.notes.contains { $0.hasPrefix("There are 1152 data points: 768 to learn from") } == true)
  }

  @Test(arguments: DCI.Learner.allCases)
  func `DCI: 1 for perfect codes, complete only without doubles, neither for rotated ones`(learner: DCI.Learner) throws
  {
    let results = try checkMetric(DCI.Configuration.self, "{learner: \(learner.rawValue), repeats: 2, alpha: 0.02}")
    let names = ["disentanglement", "completeness", "informativeness_test"]
    // A forest's nodes see two of the latents, and split along one that tells nothing where they see no other.
    let least = learner == .randomForest ? 0.4 : 0.93
    for codes in [TestCodes.perfect, .deadDimensions, .singleValuedFactor] {
      for name in names {
        let value = try value(results, codes, name)
        #expect(value > least, "\(codes), \(name): \(value)")
      }
    }
    #expect(try value(results, .duplicated, "disentanglement") > least)
    if learner == .boostedTrees {
      // Either of two equal latents does, so importance is shared: 1 − log 2/log 8 = 2/3. Lasso may take one alone.
      #expect(abs(try value(results, .duplicated, "completeness") - 2.0 / 3) < 0.05)
    }
    #expect(try value(results, .rotated, "disentanglement") < 0.35)
    #expect(try value(results, .rotated, "completeness") < 0.35)
    // Lasso leaves a few weights by chance, or none.
    if learner != .lasso { #expect(try value(results, .random, "disentanglement") < 0.35) }
    #expect(
      try reason(results, .constant, "disentanglement")
        == "Every latent is constant, so the codes carry no information.")
    #expect(try reason(results, .singleLatent, "completeness").hasPrefix("There is a single latent"))
    #expect(try reason(results, .nothingVaries, "informativeness_test").hasPrefix("No factor"))
    let importance = try #require(results[.singleValuedFactor]?.part("importance"))
    #expect(importance.shape == [4, 5] && importance.values[4] == nil && importance.values[3] != nil)
  }

  @Test func `DCI of a matrix in closed form`() {
    // Latent 0 serves factors 0 and 1 alike, latent 1 serves factor 1 alone, latent 2 nothing.
    let scores = DCIScores([1, 0.5, 0, 0.5, 0, 0], factors: 2)
    let third = 1.0 / 3, entropy = -(2 * third * log(2 * third) + third * log(third)) / log(2.0)
    #expect(absoluteDifference(Array(scores.perLatent[..<2]), [1 - entropy, 1]) < 1e-14)
    #expect(scores.perLatent[2].isNaN)
    #expect(abs((scores.disentanglement ?? 0) - (0.75 * (1 - entropy) + 0.25)) < 1e-14)
    #expect(abs((scores.completeness ?? 0) - (0.5 + 0.5 * (1 - log(2.0) / log(3.0)))) < 1e-14)
    // Factors weigh by what is important to them: 2 with concentration 1, and 1 with none.
    #expect(abs((DCIScores([2, 0.5, 0, 0.5], factors: 2).completeness ?? 0) - 2.0 / 3) < 1e-14)
    #expect(DCIScores([0, 0, 0, 0], factors: 2).disentanglement == nil)
    #expect(DCIScores([1, .nan, 0, .nan], factors: 2).disentanglement == nil)
    #expect(DCIScores([1, .nan, 0, .nan], factors: 2).completeness == 1)
  }

  @Test func `Explicitness: near 1 for perfect and rotated codes, a half for constant and random ones`() throws {
    let results = try checkMetric(Explicitness.Configuration.self, "{bootstrap: 4}")
    for codes in [TestCodes.perfect, .rotated, .duplicated, .deadDimensions, .singleValuedFactor] {
      #expect(try value(results, codes, "explicitness") > 0.95)
    }
    #expect(abs(try value(results, .constant, "explicitness") - 0.5) < 1e-12)
    // The mean of 25 areas, each with a standard error of some 0.04.
    #expect(abs(try value(results, .random, "explicitness") - 0.5) < 0.05)
    #expect(try reason(results, .onePoint, "explicitness").hasPrefix("No factor"))
  }

  @Test func `InfoE: 1 where classes are separated, 0 for constant codes, and the uncertainty in closed form`() throws {
    let device = Device(threads: 2)
    func shares(_ codes: TestCodes) throws -> [Double] {
      let codes = try codes.codes
      return try InfoExplicitness(codes, latents: Array(0..<codes.latents), device: device).perFactor
    }
    // Values on a line are told apart by softmax of slopes ever steeper: C = 10⁴ leaves a few thousandths.
    #expect(try shares(.perfect).allSatisfy { $0 > 0.97 && $0 <= 1 })
    #expect(try shares(.rotated).allSatisfy { $0 > 0.97 && $0 <= 1 })
    #expect(try shares(.constant).allSatisfy { abs($0) < 1e-9 })
    #expect(try shares(.random).allSatisfy { $0 >= 0 && $0 < 0.03 })
    #expect(try shares(.singleValuedFactor)[4].isNaN)
  }

  @Test func `Downstream: more labels are better, and perfect codes are read by trees`() throws {
    let results = try checkMetric(
      Downstream.Configuration.self, "{labels: [10, 100, 700], test_points: 300, folds: 3}")
    for codes in [TestCodes.perfect, .deadDimensions, .duplicated] {
      #expect(try value(results, codes, "boosted_trees_700") > 0.99)
      #expect(try value(results, codes, "boosted_trees_efficiency_10") < 0.8)
      #expect(try value(results, codes, "logistic_regression_700") > 0.9)
    }
    // Chance is the mean of 1/3, 1/6, 1/8 and 1/8.
    #expect(abs(try value(results, .random, "boosted_trees_700") - 0.19) < 0.06)
    #expect(try value(results, .constant, "logistic_regression_700") < 0.25)
    #expect(try reason(results, .threePoints, "logistic_regression").contains("too few"))
  }

  @Test func `Downstream: where all labels are of one class, that class is what is predicted`() throws {
    // One data point of 200 has the other value, and is not among the two labels.
    let codes = try LabeledCodes(
      codes: (0..<200).map { Float($0) }, latents: 1, factors: (0..<200).map { $0 == 0 ? 1 : 0 }, names: ["a"])
    let metric = try decode(Downstream.Configuration.self, "{labels: [2], test_points: 100}").metric()
    let result = try metric.evaluate(
      MetricInput(codes: codes, device: Device(threads: 1)), stream: RandomStream(seed: 1))
    for learner in ["logistic_regression", "boosted_trees"] {
      #expect(try #require(result.score("\(learner)_2")?.value) > 0.985)
    }
  }

  @Test func `Standard errors are the scatter over other samples`() throws {
    // 24 samples of a larger population, for each the score and its own standard error.
    var stream = RandomStream(seed: 6)
    func sample(_ number: Int) throws -> LabeledCodes {
      var codes: [Float] = [], factors: [Int32] = []
      for _ in 0..<600 {
        let values = [stream.integer(below: 3), stream.integer(below: 4)]
        factors += values.map { Int32($0) }
        codes += values.map { Float($0) + Float(stream.normalPair().0) * 0.7 }
      }
      return try LabeledCodes(codes: codes, latents: 2, factors: factors, names: ["a", "b"])
    }
    let entries: [(any MetricConfiguration.Type, String, [String])] = [
      (SAP.Configuration.self, "{bootstrap: 40}", ["sap_continuous"]),
      (Explicitness.Configuration.self, "{bootstrap: 40}", ["explicitness"]),
      (DCI.Configuration.self, "{repeats: 1, learner: random-forest}", ["informativeness_test"]),
    ]
    for (configuration, settings, names) in entries {
      let metric = try decode(configuration, settings).metric()
      let results = try (0..<24).map { number in
        try metric.evaluate(
          MetricInput(codes: sample(number), device: Device(threads: 2)), stream: RandomStream(seed: UInt64(number)))
      }
      for name in names {
        let values = results.compactMap { $0.score(name)?.value }
        let errors = results.compactMap { $0.score(name)?.standardError }
        let mean = values.reduce(0, +) / 24
        let scatter = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 23).squareRoot()
        let told = errors.reduce(0, +) / 24
        // The scatter of 24 values is known to 15 %, at three standard errors to a factor of 1.55; what classifiers learn
        // scatters besides.
        #expect(errors.count == 24 && told < 1.6 * scatter && told > 0.4 * scatter, "\(name): \(told), \(scatter)")
      }
    }
  }
}
