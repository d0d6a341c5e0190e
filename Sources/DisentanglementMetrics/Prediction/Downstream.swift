import Foundation
import RateDecomposition
import StrictConfiguration
import TensorCore

/// Downstream accuracy: how well classifiers predict the factors from codes, by how many labels they learn from.
///
/// As in disentanglement_lib (Locatello et al. 2019, arXiv:1811.12359): logistic regression, with C one of
/// ten from 10⁻⁴ to 10⁴ by five-fold cross-validation, and boosted trees (``GradientBoosting``), learn each factor from 10, 100,
/// 1,000 and 10,000 labelled data points and are tested on 5,000. Scores are the mean accuracies over the factors that vary;
/// the sample efficiencies are those accuracies over the one with most labels. The first labels of a larger sample are the
/// smaller sample.
///
/// Where all labels are alike, that one is predicted. Standard errors: of accuracies over the tested data points, with
/// the classifiers as they are, by Agresti and Coull (`Proportion`); efficiencies by the delta method, of which the same four
/// data points are part. Parts: accuracy by number of labels and factor.
public struct Downstream: DisentanglementMetric {
  /// The settings of ``Downstream``.
  public struct Configuration: MetricConfiguration {
    /// How many labels are learnt from.
    public var labels: [Int]
    /// How many data points are tested on.
    public var testPoints: Int
    /// Folds of the cross-validation.
    public var folds: Int

    /// Reads `labels`, `test_points` and `folds`.
    public init(from section: inout ConfigurationSection, preset: MetricPreset) throws {
      labels = try section.integers(
        "labels", default: preset == .fast ? [10, 100, 1_000] : [10, 100, 1_000, 10_000], in: .within(2...100_000_000),
        count: .atLeast(1)
      ).sorted()
      testPoints = try section.integer(
        "test_points", default: preset == .fast ? 1_000 : preset == .dlib ? 5_000 : 50_000, in: .within(1...100_000_000)
      )
      folds = try section.integer("folds", default: 5, in: .within(2...1_000))
    }

    /// Builds the metric.
    public func metric() -> any DisentanglementMetric { Downstream(configuration: self) }
  }

  /// The settings.
  public let configuration: Configuration

  /// Measures.
  public func evaluate(_ input: MetricInput, stream: RandomStream) throws -> MetricResult {
    let codes = input.codes, factors = codes.varyingFactors, most = configuration.labels.last ?? 2
    let rows = TrainTestRows(
      TrainTestSizes(train: most, test: configuration.testPoints), of: codes.count, stream: stream.split("rows"))
    let sizes = configuration.labels.filter { $0 <= rows.train.count }
    let learners = ["logistic_regression", "boosted_trees"]
    func undefined(_ reason: String) -> MetricResult {
      MetricResult(
        learners.flatMap { learner in sizes.map { MetricScore("\(learner)_\($0)", undefined: reason) } }
          + (sizes.isEmpty ? [MetricScore(learners[0], undefined: reason)] : []))
    }
    guard !factors.isEmpty else { return undefined(Undefined.noFactor) }
    guard !sizes.isEmpty, !rows.test.isEmpty else {
      return undefined("There are \(codes.count) data points, too few to learn from \(configuration.labels[0]).")
    }
    let train = FeatureMatrix(codes.rows(rows.train)), test = FeatureMatrix(codes.rows(rows.test))
    var result = MetricResult([], notes: [codes.noteOnSingleValues, rows.note].compactMap { $0 })
    for learner in learners {
      var matrix = [Double](repeating: .nan, count: sizes.count * codes.factorCount)
      var shares: [[Double]] = []  // of the factors, how many are right, `[sizes][n]`
      for (s, size) in sizes.enumerated() {
        let features = train.rows(Array(0..<size))
        var share = [Double](repeating: 0, count: rows.test.count)
        for factor in factors {
          let values = codes.values(ofFactor: factor)
          let labels = rows.train[..<size].map { values[$0] }, expected = rows.test.map { values[$0] }
          let predictions = try predict(
            learner, features, labels, test, stream: stream.split("\(learner) \(size)", factor), device: input.device)
          matrix[s * codes.factorCount + factor] = accuracy(predictions, expected)
          for n in expected.indices where predictions[n] == expected[n] { share[n] += 1 / Double(factors.count) }
        }
        shares.append(share)
      }
      result.scores += scores(learner, sizes, shares)
      result.parts.append(
        MetricPart(
          "\(learner)_accuracy", axes: ["labels", "factor"], shape: [sizes.count, codes.factorCount], values: matrix))
    }
    result.parts.append(MetricPart("labels", axes: ["labels"], shape: [sizes.count], values: sizes.map { Double($0) }))
    return result
  }

  /// Mean accuracies, most labels first, and sample efficiencies.
  private func scores(_ learner: String, _ sizes: [Int], _ shares: [[Double]]) -> [MetricScore] {
    let accuracies = shares.map { Estimate(meanOf: $0).value }
    var scores = zip(sizes, zip(accuracies, shares)).reversed().map {
      MetricScore("\(learner)_\($0)", $1.0, standardError: Proportion.standardError(ofShares: $1.1))
    }
    guard let best = accuracies.last, best > 0 else { return scores }
    for s in sizes.indices.dropLast() {
      scores.append(
        MetricScore(
          "\(learner)_efficiency_\(sizes[s])", accuracies[s] / best,
          standardError: Proportion.standardError(ofRatio: shares[s], to: shares[sizes.count - 1])))
    }
    return scores
  }

  private func predict(
    _ learner: String, _ features: FeatureMatrix, _ labels: [Int32], _ test: FeatureMatrix, stream: RandomStream,
    device: Device
  ) throws -> [Int32] {
    guard Set(labels).count > 1 else { return [Int32](repeating: labels[0], count: test.count) }
    if learner == "boosted_trees" {
      return try GradientBoosting().fit(features, labels: labels, stream: stream, device: device)
        .predict(test, device: device)
    }
    return try CrossValidatedLogisticRegression(folds: configuration.folds)
      .fit(features, labels: labels, stream: stream, device: device).predict(test, device: device)
  }
}
