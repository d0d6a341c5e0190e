import StrictConfiguration
import TensorCore

/// Explicitness: how well a linear classifier predicts each value of each factor.
///
///     explicitness = 1/K Σ_k 1/|V_k| Σ_{v ∈ V_k} AUC(p(v_k = v | z))
///
/// with the area under the ROC curve of a logistic regression's probability of value v, for data points that have the
/// value against those that have not (Ridgeway and Mozer 2018, arXiv:1802.05312). As in disentanglement_lib
/// (Locatello et al. 2019, arXiv:1811.12359): codes standardised by the 10,000 data points that are learnt from, one multinomial
/// ``LogisticRegression`` with C = 1 for each factor, areas from 5,000 other data points. 0.5 is chance, 1 is perfect. The
/// regression is solved to convergence, scikit-learn's is not: on the golden codes they differ by up to 10⁻⁴. A constant
/// latent carries no information here; in dlib it is an error.
///
/// A value that was not there to learn has the area 0.5; one that is not there to test, or that all tested data points
/// have, is left out. Standard error: bootstrap over the tested data points. Parts: areas of each factor `[K]`, on
/// tested data points and on those learnt from.
public struct Explicitness: DisentanglementMetric {
  /// The settings of ``Explicitness``.
  public struct Configuration: MetricConfiguration {
    /// How many data points are learnt from and tested on.
    public var sizes: TrainTestSizes
    /// C of the logistic regression.
    public var penalty: Double
    /// Bootstrap replicates behind the standard error.
    public var bootstrap: Int

    /// Reads `train_points`, `test_points`, `penalty` and `bootstrap`.
    public init(from section: inout ConfigurationSection, preset: MetricPreset) throws {
      sizes = try section.trainTestSizes(preset)
      penalty = try section.number("penalty", default: 1, in: .moreThan(0))
      bootstrap = try section.integer("bootstrap", default: preset == .dlib ? 50 : 20, in: .within(0...10_000))
    }

    /// Builds the metric.
    public func metric() -> any DisentanglementMetric { Explicitness(configuration: self) }
  }

  /// The settings.
  public let configuration: Configuration

  /// Measures.
  public func evaluate(_ input: MetricInput, stream: RandomStream) throws -> MetricResult {
    let rows = TrainTestRows(configuration.sizes, of: input.codes.count, stream: stream.split("rows"))
    let train = input.codes.rows(rows.train)
    var result = try measure(
      train: train, test: input.codes.rows(rows.test), stream: stream, device: input.device)
    result.notes += [input.codes.noteOnSingleValues, rows.note, input.codes.learnableFactors(train).note].compactMap {
      $0
    }
    return result
  }

  /// Measures with given data points to learn from and to test on.
  public func measure(
    train: LabeledCodes, test: LabeledCodes, stream: RandomStream, device: Device
  ) throws -> MetricResult {
    let k = train.factorCount, names = ["explicitness", "explicitness_train"]
    func undefined(_ reason: String) -> MetricResult { MetricResult(names.map { MetricScore($0, undefined: reason) }) }
    // The factors with most values, which take longest, first.
    let factors = train.varyingFactors.sorted { (train.factorSizes[$1], $0) < (train.factorSizes[$0], $1) }
    guard !factors.isEmpty else { return undefined(Undefined.noFactor) }
    guard test.count > 1 else { return undefined("There are too few data points to test on.") }
    let rows = FeatureMatrix(train), standardize = Standardization(of: rows)
    let features = standardize(rows), tested = standardize(FeatureMatrix(test))
    let regression = LogisticRegression(penalty: configuration.penalty, tolerance: 1e-7)
    let areas = try device.map(factors.count) { _, f in
      let labels = train.values(ofFactor: factors[f]), expected = test.values(ofFactor: factors[f])
      let model = try regression.fit(features, labels: labels, stream: stream, device: device)
      return (
        tested: AreasUnderROC(model.probabilities(tested, device: device), model.classes, expected),
        learnt: AreasUnderROC(model.probabilities(features, device: device), model.classes, labels).mean(nil)
      )
    }
    func spread(_ values: [Double]) -> [Double] {
      var list = [Double](repeating: .nan, count: k)
      for (f, factor) in factors.enumerated() { list[factor] = values[f] }
      return list
    }
    @Sendable func mean(_ values: [Double]) -> Double {
      let defined = values.filter(\.isFinite)
      return defined.reduce(0, +) / Double(defined.count)
    }
    func score(_ name: String, _ values: [Double], _ standardError: Double?) -> MetricScore {
      let value = mean(values)
      return value.isFinite
        ? MetricScore(name, value, standardError: standardError)
        : MetricScore(name, undefined: "No factor has two values among the data points to test on.")
    }
    let values = areas.map { $0.tested.mean(nil) }
    let errors = Bootstrap.standardErrors(
      rows: test.count, replicates: configuration.bootstrap, stream: stream, device: device, count: 1
    ) { multiplicities in [mean(areas.map { $0.tested.mean(multiplicities) })] }
    return MetricResult(
      [score(names[0], values, errors[0]), score(names[1], areas.map(\.learnt), nil)],
      parts: [
        MetricPart("area_under_roc", axes: ["factor"], shape: [k], values: spread(values)),
        MetricPart("area_under_roc_train", axes: ["factor"], shape: [k], values: spread(areas.map(\.learnt))),
      ])
  }
}

/// The areas under the ROC curves of several classes, each against all others: the probability that a data point of the
/// class is given a larger probability than one of another class, ties counting half.
struct AreasUnderROC: Sendable {
  /// Of each class that occurs: the data points in ascending order of its probability, and whether the next one has a
  /// larger one.
  private let orders: [(label: Int32, rows: [Int32], ends: [Bool])]
  private let labels: [Int32]

  /// Sorts the data points by each class.
  ///
  /// - Parameters:
  ///   - probabilities: `[N, K]`.
  ///   - classes: the classes of the columns, `[K]`.
  ///   - labels: the class of each data point, `[N]`; one that is no column has the probability 0 everywhere.
  init(_ probabilities: [Double], _ classes: [Int32], _ labels: [Int32]) {
    self.labels = labels
    let count = labels.count, columns = classes.count
    orders = Set(labels).sorted().map { label in
      guard let column = classes.firstIndex(of: label) else {
        return (label, (0..<count).map { Int32($0) }, (0..<count).map { $0 == count - 1 })
      }
      let values = (0..<count).map { probabilities[$0 * columns + column] }
      let rows = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
      let ends = rows.indices.map { $0 == count - 1 || values[rows[$0 + 1]] > values[rows[$0]] }
      return (label, rows.map { Int32($0) }, ends)
    }
  }

  /// The mean area of the classes; NaN if there is none that some data points have and others have not.
  ///
  /// - Parameter multiplicities: how often each data point counts; nil for once.
  func mean(_ multiplicities: [Int32]?) -> Double {
    var sum = 0.0, defined = 0.0
    for order in orders {
      // Over runs of equal probability: pairs with the others before, and half of those within.
      var wins = 0.0, positives = 0.0, negatives = 0.0, runPositives = 0.0, runNegatives = 0.0
      for (row, ends) in zip(order.rows, order.ends) {
        let weight = Double(multiplicities?[Int(row)] ?? 1)
        if labels[Int(row)] == order.label { runPositives += weight } else { runNegatives += weight }
        guard ends else { continue }
        wins += runPositives * (negatives + 0.5 * runNegatives)
        positives += runPositives
        negatives += runNegatives
        (runPositives, runNegatives) = (0, 0)
      }
      guard positives > 0, negatives > 0 else { continue }
      sum += wins / (positives * negatives)
      defined += 1
    }
    return sum / defined
  }
}
