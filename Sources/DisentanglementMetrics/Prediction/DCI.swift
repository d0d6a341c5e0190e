import Foundation
import RateDecomposition
import StrictConfiguration
import TensorCore

/// Disentanglement, completeness and informativeness.
///
/// A learner predicts each factor k from all latents; R_{jk} ≥ 0 is how important latent j is for it.
///
///     disentanglement = Σ_j ρ_j·(1 − H_K(R_j· / Σ_k R_jk)),     ρ_j = Σ_k R_jk / ΣR
///     completeness    = Σ_k π_k·(1 − H_D(R_·k / Σ_j R_jk)),     π_k = Σ_j R_jk / ΣR
///
/// with entropies to the base of the number of factors K and of latents D; informativeness is how well the factors are
/// predicted (Eastwood and Williams 2018, "A Framework for the Quantitative Evaluation of Disentangled Representations").
/// The learners:
///
/// - `boosted-trees`, as in disentanglement_lib (Locatello et al. 2019, arXiv:1811.12359): ``GradientBoosting``, R its
///   importances, informativeness the mean accuracy (which dlib calls an error). On the golden codes R differs from
///   scikit-learn's by up to 0.005 where splits tie, disentanglement and completeness by less than that, informativeness by up to 0.006.
/// - `lasso`, as in the paper: ``Lasso`` of each standardised factor on the standardised codes, R = |w|, informativeness
///   the mean coefficient of determination, 1 − NRMSE².
/// - `random-forest`, as in the paper: ``RandomForest``, a classifier here; informativeness the mean accuracy.
///
/// 10,000 data points are learnt from, 5,000 tested on. Everything is repeated with other data points: scores and parts are
/// means over the repeats, standard errors s/√repeats; of a single repeat only informativeness has one, over data points.
/// Repeats of a data set that is not much larger than a sample share data points, and are then too much alike.
/// Factors that do not vary are left out of K; a latent without importance has weight 0. Parts: R `[D, K]`,
/// disentanglement `[D]`, completeness and informativeness `[K]`.
public struct DCI: DisentanglementMetric {
  /// What predicts the factors.
  public enum Learner: String, Sendable, CaseIterable {
    /// ``GradientBoosting``.
    case boostedTrees = "boosted-trees"
    /// ``Lasso``.
    case lasso
    /// ``RandomForest``.
    case randomForest = "random-forest"
  }

  /// The settings of ``DCI``.
  public struct Configuration: MetricConfiguration {
    /// What predicts the factors.
    public var learner: Learner
    /// How many data points are learnt from and tested on.
    public var sizes: TrainTestSizes
    /// How often everything is repeated.
    public var repeats: Int
    /// α of the lasso.
    public var alpha: Double

    /// Reads `learner`, `train_points`, `test_points`, `repeats` and `alpha`.
    public init(from section: inout ConfigurationSection, preset: MetricPreset) throws {
      learner = try section.choice("learner", default: .boostedTrees)
      sizes = try section.trainTestSizes(preset, exact: 50_000)
      repeats = try section.integer("repeats", default: preset == .fast ? 1 : 3, in: .within(1...1_000))
      alpha = try section.number("alpha", default: 0.02, in: .moreThan(0))
    }

    /// Builds the metric.
    public func metric() -> any DisentanglementMetric { DCI(configuration: self) }
  }

  /// The settings.
  public let configuration: Configuration

  private static let names = ["disentanglement", "completeness", "informativeness_test", "informativeness_train"]

  /// What one repeat has found.
  public struct Findings: Sendable {
    /// R, `[D, K]`; NaN for factors that were left out.
    public var importance: [Double]
    /// How well each factor is predicted where it was learnt, `[K]`.
    public var train: [Double]
    /// How well each factor is predicted elsewhere, `[K]`.
    public var test: [Double]
    /// The standard error of the mean of `test`; nil where it is not known.
    var testError: Double?
  }

  /// Measures.
  public func evaluate(_ input: MetricInput, stream: RandomStream) throws -> MetricResult {
    let codes = input.codes, d = codes.latents, k = codes.factorCount
    func undefined(_ reason: String) -> MetricResult {
      MetricResult(Self.names.map { MetricScore($0, undefined: reason) })
    }
    guard !codes.varyingFactors.isEmpty else { return undefined(Undefined.noFactor) }
    guard codes.count > 1 else { return undefined(Undefined.onePoint) }
    guard !codes.varyingLatents.isEmpty else { return undefined(Undefined.constantCodes) }
    var notes = [codes.noteOnSingleValues].compactMap { $0 }, findings: [Findings] = []
    for number in 0..<configuration.repeats {
      let stream = stream.split("repeat", number)
      let rows = TrainTestRows(configuration.sizes, of: codes.count, stream: stream.split("rows"))
      let train = codes.rows(rows.train), learnable = codes.learnableFactors(train)
      for note in [rows.note, learnable.note].compactMap({ $0 }) where !notes.contains(note) { notes.append(note) }
      guard !learnable.factors.isEmpty else { continue }
      findings.append(
        try findImportance(
          train: train, test: codes.rows(rows.test), factors: learnable.factors, stream: stream, device: input.device))
    }
    guard !findings.isEmpty else { return undefined("No factor varies among the data points to learn from.") }
    if configuration.learner == .lasso { notes.append("Informativeness is the coefficient of determination.") }

    func score(_ name: String, _ values: [Double?], reason: String, single: Double? = nil) -> MetricScore {
      let defined = values.compactMap { $0 }
      guard !defined.isEmpty else { return MetricScore(name, undefined: reason) }
      let estimate = Estimate(meanOf: defined)
      return defined.count > 1
        ? MetricScore(name, estimate.value, standardError: estimate.standardError, repeats: defined.count)
        : MetricScore(name, estimate.value, standardError: single)
    }
    func part(_ name: String, _ axes: [String], _ shape: [Int], _ values: [[Double]]) -> MetricPart {
      MetricPart(name, axes: axes, shape: shape, values: Self.mean(values))
    }
    let scores = findings.map { DCIScores($0.importance, factors: k) }
    return MetricResult(
      [
        score(
          Self.names[0], scores.map(\.disentanglement),
          reason: codes.varyingFactors.count < 2 ? Undefined.oneFactor : Self.noImportance),
        score(
          Self.names[1], scores.map(\.completeness),
          reason: d < 2 ? "There is a single latent; completeness compares several." : Self.noImportance),
        score(
          Self.names[2], findings.map { Self.meanOfDefined($0.test) }, reason: "No factor varies in the test.",
          single: findings[0].testError),
        score(Self.names[3], findings.map { Self.meanOfDefined($0.train) }, reason: "No factor varies."),
      ],
      parts: [
        part("importance", ["latent", "factor"], [d, k], findings.map(\.importance)),
        part("disentanglement", ["latent"], [d], scores.map(\.perLatent)),
        part("completeness", ["factor"], [k], scores.map(\.perFactor)),
        part("informativeness_test", ["factor"], [k], findings.map(\.test)),
        part("informativeness_train", ["factor"], [k], findings.map(\.train)),
      ], notes: notes)
  }

  private static let noImportance = "No latent was of any use to predict a factor."

  /// Learns each factor and finds what was important for it.
  ///
  /// - Parameters:
  ///   - train: the data points to learn from.
  ///   - test: the data points to test on.
  ///   - factors: those that vary in `train`; the others' values are NaN.
  ///   - stream: where all randomness comes from.
  ///   - device: whose threads work.
  public func findImportance(
    train: LabeledCodes, test: LabeledCodes, factors: [Int], stream: RandomStream, device: Device
  ) throws -> Findings {
    let d = train.latents, k = train.factorCount
    var findings = Findings(
      importance: [Double](repeating: .nan, count: d * k), train: [Double](repeating: .nan, count: k),
      test: [Double](repeating: .nan, count: k))
    func set(_ factor: Int, _ importances: [Double], _ train: Double, _ test: Double) {
      for j in 0..<d { findings.importance[j * k + factor] = importances[j] }
      (findings.train[factor], findings.test[factor]) = (train, test)
    }
    let rows = FeatureMatrix(train), others = FeatureMatrix(test)
    if configuration.learner == .lasso {
      let standardize = Standardization(of: rows)
      let features = standardize(rows), tested = standardize(others)
      for factor in factors {
        let column = FeatureMatrix(train.values(ofFactor: factor).map { Double($0) }, features: 1)
        let scale = Standardization(of: column), target = scale(column).values
        let expected = scale(FeatureMatrix(test.values(ofFactor: factor).map { Double($0) }, features: 1)).values
        let model = Lasso(alpha: configuration.alpha).fit(features, targets: [target])[0]
        set(
          factor, model.weights.map { abs($0) }, model.determination(features, targets: target),
          model.determination(tested, targets: expected))
      }
      return findings
    }
    // How many factors were right of each tested data point.
    var right = [Double](repeating: 0, count: test.count)
    for factor in factors {
      let labels = train.values(ofFactor: factor), expected = test.values(ofFactor: factor)
      let stream = stream.split("factor", factor)
      let importances: [Double], learnt: [Int32], predicted: [Int32]
      if configuration.learner == .boostedTrees {
        let model = try GradientBoosting().fit(rows, labels: labels, stream: stream, device: device)
        importances = model.importances ?? []
        learnt = model.trainingPredictions
        predicted = model.predict(others, device: device)
      } else {
        let model = try RandomForest().fit(rows, labels: labels, stream: stream, device: device)
        importances = model.importances ?? []
        learnt = model.predict(rows, device: device)
        predicted = model.predict(others, device: device)
      }
      set(factor, importances, accuracy(learnt, labels), accuracy(predicted, expected))
      for n in right.indices where predicted[n] == expected[n] { right[n] += 1 / Double(factors.count) }
    }
    if test.count > 1 { findings.testError = Proportion.standardError(ofShares: right) }
    return findings
  }

  /// The mean of each entry over those lists where it is defined; NaN where it is in none.
  private static func mean(_ lists: [[Double]]) -> [Double] {
    (lists.first ?? []).indices.map { i in meanOfDefined(lists.map { $0[i] }) ?? .nan }
  }

  private static func meanOfDefined(_ values: [Double]) -> Double? {
    let defined = values.filter(\.isFinite)
    return defined.isEmpty ? nil : defined.reduce(0, +) / Double(defined.count)
  }
}

/// ``DCI``'s disentanglement and completeness from a matrix of importances.
public struct DCIScores: Sendable {
  /// 1 − H_K of each latent's importances, `[D]`; NaN without any, or with a single factor.
  public let perLatent: [Double]
  /// 1 − H_D of each factor's importances, `[K]`; NaN without any, or with a single latent.
  public let perFactor: [Double]
  /// The mean over latents weighted by importance; nil if nothing is important or there is a single factor.
  public let disentanglement: Double?
  /// The mean over factors weighted by importance; nil if nothing is important or there is a single latent.
  public let completeness: Double?

  /// Computes them.
  ///
  /// - Parameters:
  ///   - importance: R ≥ 0, `[D, K]`; NaN in the columns of factors that do not count.
  ///   - factors: K.
  public init(_ importance: [Double], factors: Int) {
    let d = importance.count / factors
    let counted = (0..<factors).filter { importance[$0].isFinite }
    let rows = (0..<d).map { j in counted.map { importance[j * factors + $0] } }
    let columns = (0..<factors).map { k in counted.contains(k) ? (0..<d).map { importance[$0 * factors + k] } : [] }
    perLatent = rows.map(Self.concentration)
    perFactor = columns.map(Self.concentration)
    disentanglement = Self.weighted(perLatent, rows.map { $0.reduce(0, +) })
    completeness = Self.weighted(perFactor, columns.map { $0.reduce(0, +) })
  }

  /// 1 − H(p)/log n of importances normalised to sum 1; NaN if they are fewer than two, or all zero.
  private static func concentration(_ values: [Double]) -> Double {
    let sum = values.reduce(0, +)
    guard values.count > 1, sum > 0 else { return .nan }
    let entropy = values.reduce(0) { $1 > 0 ? $0 - $1 / sum * log($1 / sum) : $0 }
    return 1 - entropy / log(Double(values.count))
  }

  private static func weighted(_ values: [Double], _ weights: [Double]) -> Double? {
    let used = values.indices.filter { values[$0].isFinite && weights[$0] > 0 }
    let sum = used.reduce(0) { $0 + weights[$1] }
    guard sum > 0 else { return nil }
    return used.reduce(0) { $0 + weights[$1] / sum * values[$1] }
  }
}
