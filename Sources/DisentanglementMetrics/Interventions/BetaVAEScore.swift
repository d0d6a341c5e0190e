import Diagnostics
import StrictConfiguration
import TensorCore

/// The β-VAE score: whether the differences of codes between images that agree in a factor identify the factor.
///
/// A point is made by choosing a factor y and L = 64 pairs of data points that agree in it, each pair in a value of its own:
///
///     x_d = 1/L Σ_l |z_d(l, 1) − z_d(l, 2)|
///
/// The score is the accuracy of a linear classifier of y from x, learnt from 10,000 points, on 5,000 more (Higgins et al.
/// 2017, "β-VAE"). As in disentanglement_lib (Locatello et al. 2019, arXiv:1811.12359) the classifier is
/// ``LogisticRegression`` with C = 1 on x as it is. It is solved to convergence, scikit-learn's is stopped early: on the
/// golden codes the accuracies are the same (600 points).
///
/// Pairs come from the input where it stores some (the first two thirds train), and otherwise from rows that agree
/// (``FactorRows``); the factor is one of those that vary. The data need not be a full grid: the first of a pair is uniform
/// over the data points whose value another has, too, and the second over those that have its value. Standard error: that of
/// an accuracy over the evaluation points, by Agresti and Coull (`Proportion`); the accuracy on the points that were learnt
/// from has none. Parts: accuracy on the points of each factor `[K]`.
public struct BetaVAEScore: DisentanglementMetric {
  /// The settings of ``BetaVAEScore``.
  public struct Configuration: MetricConfiguration {
    /// Points to learn from.
    public var trainPoints: Int
    /// Points to be tested on.
    public var evaluationPoints: Int
    /// Pairs behind a point, L.
    public var batchSize: Int

    /// Reads `train_points`, `evaluation_points` and `batch_size`.
    public init(from section: inout ConfigurationSection, preset: MetricPreset) throws {
      let train =
        switch preset {
        case .dlib: 10_000
        case .fast: 2_000
        case .exact: 100_000
        }
      trainPoints = try section.integer("train_points", default: train, in: .within(1...100_000_000))
      evaluationPoints = try section.integer("evaluation_points", default: train / 2, in: .within(1...100_000_000))
      batchSize = try section.integer("batch_size", default: 64, in: .within(1...1_000_000))
    }

    /// Builds the metric.
    public func metric() -> any DisentanglementMetric { BetaVAEScore(configuration: self) }

    /// The points, and the rows by the values of each factor.
    public func memory(for input: MetricInput, at section: String) -> [MemoryRequirement] {
      guard input.betaVAEBatches == nil else { return [] }
      let points = saturatingSum(trainPoints, evaluationPoints)
      return [
        MemoryRequirement(
          "\(Format.grouped(points)) points of \(input.codes.latents) latents",
          bytes: saturatingProduct(points, input.codes.latents, MemoryLayout<Double>.stride),
          at: "\(section).train_points", action: "Choose fewer points."),
        MemoryRequirement(
          "\(Format.grouped(batchSize)) pairs behind a point",
          bytes: saturatingProduct(2, batchSize, input.device.threads, MemoryLayout<Int>.stride),
          at: "\(section).batch_size", action: "Choose smaller batches."), input.factorRows(at: section),
      ]
    }
  }

  /// The settings.
  public let configuration: Configuration

  /// Measures.
  ///
  /// - Throws: `StructuredError` if stored pairs are not of these data.
  public func evaluate(_ input: MetricInput, stream: RandomStream) throws -> MetricResult {
    let codes = input.codes
    func undefined(_ reason: String) -> MetricResult {
      MetricResult(["score", "train_accuracy"].map { MetricScore($0, undefined: reason) })
    }
    let varying = codes.varyingFactors
    guard !varying.isEmpty else { return undefined(Undefined.noFactor) }
    guard varying.count > 1 || input.betaVAEBatches != nil else { return undefined(Undefined.oneFactor) }
    var notes = [codes.noteOnSingleValues].compactMap { $0 }
    let labels: [Int32], points: FeatureMatrix, trainCount: Int
    if let stored = input.betaVAEBatches {
      try stored.check(against: codes, pairs: true)
      labels = stored.factors.map { Int32($0) }
      points = Self.points(codes, count: labels.count, device: input.device) { v in
        (stored.rows[v], stored.partners?[v] ?? stored.rows[v])
      }
      trainCount = stored.trainCount
      notes.append("The \(labels.count) points are from the pairs stored with the codes.")
    } else {
      let rows = FactorRows(codes), pairs = configuration.batchSize, (drawable, remarks) = rows.drawable(among: varying)
      guard drawable.count > 1 else {
        return undefined(drawable.isEmpty ? Undefined.nothingShared : Undefined.oneFactor)
      }
      notes += remarks
      trainCount = configuration.trainPoints
      let count = trainCount + configuration.evaluationPoints
      labels = (0..<count).map { v in
        var stream = stream.split("factor", v)
        return Int32(drawable[stream.integer(below: drawable.count)])
      }
      points = Self.points(codes, count: count, device: input.device) { v in
        var stream = stream.split("pairs", v)
        let first = (0..<pairs).map { _ in rows.drawableRow(factor: Int(labels[v]), stream: &stream) }
        return (first, first.map { rows.row(sharing: Int(labels[v]), with: $0, stream: &stream) })
      }
    }
    let train = Array(0..<trainCount), test = Array(trainCount..<labels.count)
    let trainLabels = Array(labels[..<trainCount]), testLabels = Array(labels[trainCount...])
    guard Set(trainLabels).count > 1 else { return undefined("All points to learn from are of one factor.") }
    let model = try LogisticRegression().fit(
      points.rows(train), labels: trainLabels, stream: stream, device: input.device)
    if !model.isConverged { notes.append("The logistic regression did not converge.") }
    let predictions = model.predict(points.rows(test), device: input.device)
    let score = accuracy(predictions, testLabels)
    let trained = accuracy(model.predict(points.rows(train), device: input.device), trainLabels)
    let perFactor = (0..<codes.factorCount).map { factor in
      let own = testLabels.indices.filter { testLabels[$0] == Int32(factor) }
      return accuracy(own.map { predictions[$0] }, own.map { testLabels[$0] })
    }
    return MetricResult(
      [
        MetricScore("score", score, standardError: Proportion.standardError(score, of: testLabels.count)),
        MetricScore("train_accuracy", trained),
      ],
      parts: [MetricPart("accuracy", axes: ["factor"], shape: [codes.factorCount], values: perFactor)], notes: notes)
  }

  /// The points x, `[V, D]`, of pairs of rows.
  static func points(
    _ codes: LabeledCodes, count: Int, device: Device, pairs: (_ point: Int) -> (first: [Int], second: [Int])
  ) -> FeatureMatrix {
    let d = codes.latents
    var values = [Double](repeating: 0, count: count * d)
    values.withUnsafeMutableBufferPointer { values in
      nonisolated(unsafe) let values = values
      codes.codes.withUnsafeBufferPointer { codes in
        device.forEachRange(count) { _, range in
          for point in range {
            let (first, second) = pairs(point)
            for (a, b) in zip(first, second) {
              for j in 0..<d { values[point * d + j] += Double(abs(codes[a * d + j] - codes[b * d + j])) }
            }
            for j in 0..<d { values[point * d + j] /= Double(first.count) }
          }
        }
      }
    }
    return FeatureMatrix(values, features: d)
  }
}
