import StrictConfiguration
import TensorCore

/// The separated attribute predictability: how much better the best single latent predicts a factor than the second best.
///
///     SAP = 1/K Σ_k (S_{j₁k} − S_{j₂k})
///
/// with j₁ and j₂ the best and second best latents for the factor k (Kumar et al. 2018, arXiv:1711.00848). Two scores
/// S, as in disentanglement_lib (Locatello et al. 2019, arXiv:1811.12359), both reported:
///
/// - `sap_discrete`: the accuracy on 5,000 data points of a linear support vector machine on the latent alone, learnt from
///   10,000 (``LinearSVM``, C = 0.01, balanced classes). dlib uses the same library; within its tolerance of 10⁻⁴ solutions
///   differ, by up to 7·10⁻⁵ in the score on the golden codes.
/// - `sap_continuous`: the squared correlation of latent and factor over the data points that are learnt from, equal to dlib's
///   to rounding.
///
/// Factors that do not vary are left out; with a single latent there is no gap. Standard errors: bootstrap over the tested
/// data points (discrete) or those learnt from (continuous), with the classifiers as they are. Parts: S `[D, K]` and gaps
/// `[K]` of both.
public struct SAP: DisentanglementMetric {
  /// The settings of ``SAP``.
  public struct Configuration: MetricConfiguration {
    /// How many data points are learnt from and tested on.
    public var sizes: TrainTestSizes
    /// C of the support vector machines.
    public var penalty: Double
    /// Where they stop.
    public var tolerance: Double
    /// Bootstrap replicates behind the standard errors.
    public var bootstrap: Int

    /// Reads `train_points`, `test_points`, `penalty`, `tolerance` and `bootstrap`.
    public init(from section: inout ConfigurationSection, preset: MetricPreset) throws {
      sizes = try section.trainTestSizes(preset)
      penalty = try section.number("penalty", default: 0.01, in: .moreThan(0))
      tolerance = try section.number("tolerance", default: preset == .exact ? 1e-8 : 1e-4, in: .moreThan(0, atMost: 1))
      bootstrap = try section.integer("bootstrap", default: preset == .dlib ? 50 : 20, in: .within(0...10_000))
    }

    /// Builds the metric.
    public func metric() -> any DisentanglementMetric { SAP(configuration: self) }
  }

  /// The settings.
  public let configuration: Configuration

  /// Measures.
  public func evaluate(_ input: MetricInput, stream: RandomStream) throws -> MetricResult {
    let rows = TrainTestRows(configuration.sizes, of: input.codes.count, stream: stream.split("rows"))
    var result = try measure(
      train: input.codes.rows(rows.train), test: input.codes.rows(rows.test), stream: stream, device: input.device)
    result.notes += [input.codes.noteOnSingleValues, rows.note].compactMap { $0 }
    return result
  }

  /// Measures with given data points to learn from and to test on.
  public func measure(
    train: LabeledCodes, test: LabeledCodes, stream: RandomStream, device: Device
  ) throws -> MetricResult {
    let d = train.latents, k = train.factorCount, names = ["sap_discrete", "sap_continuous"]
    let factors = train.varyingFactors
    func undefined(_ reason: String) -> MetricResult { MetricResult(names.map { MetricScore($0, undefined: reason) }) }
    guard !factors.isEmpty else { return undefined(Undefined.noFactor) }
    guard d > 1 else { return undefined("There is a single latent; the score compares the two best.") }
    guard test.count > 0 else { return undefined("There are too few data points to test on.") }

    let features = (0..<d).map { FeatureMatrix(train.values(ofLatent: $0).map { Double($0) }, features: 1) }
    let tested = (0..<d).map { FeatureMatrix(test.values(ofLatent: $0).map { Double($0) }, features: 1) }
    let labels = factors.map(train.values(ofFactor:)), testLabels = factors.map(test.values(ofFactor:))
    let machine = LinearSVM(
      penalty: configuration.penalty, isBalanced: true, tolerance: configuration.tolerance)
    // Whether each tested data point is classified rightly, for each latent and factor, `[D·F][n]`.
    let right = try device.map(d * factors.count) { _, pair in
      let latent = pair / factors.count, factor = pair % factors.count
      let model = try machine.fit(features[latent], labels: labels[factor], stream: stream, device: device)
      return zip(model.predict(tested[latent], device: device), testLabels[factor]).map { $0 == $1 }
    }
    @Sendable func accuracies(_ multiplicities: [Int32]?) -> [Double] {
      right.map { right in
        var sum = 0
        for (n, isRight) in right.enumerated() where isRight { sum += Int(multiplicities?[n] ?? 1) }
        return Double(sum) / Double(right.count)
      }
    }
    let columns = features.map(\.values), values = labels.map { $0.map { Double($0) } }
    @Sendable func correlations(_ multiplicities: [Int32]?) -> [Double] {
      (0..<d * factors.count).map { pair in
        Self.squaredCorrelation(columns[pair / factors.count], values[pair % factors.count], multiplicities)
      }
    }
    let discrete = accuracies(nil), continuous = correlations(nil)
    func error(rows: Int, _ statistic: @Sendable ([Int32]) -> [Double], _ name: String) -> Double? {
      Bootstrap.standardErrors(
        rows: rows, replicates: configuration.bootstrap, stream: stream.split(name), device: device, count: 1
      ) { [Self.mean(Self.gaps(statistic($0), factors: factors.count))] }[0]
    }
    func parts(_ name: String, _ scores: [Double]) -> [MetricPart] {
      let gaps = Self.gaps(scores, factors: factors.count)
      var matrix = [Double](repeating: .nan, count: d * k), list = [Double](repeating: .nan, count: k)
      for (f, factor) in factors.enumerated() {
        for j in 0..<d { matrix[j * k + factor] = scores[j * factors.count + f] }
        list[factor] = gaps[f]
      }
      return [
        MetricPart(name, axes: ["latent", "factor"], shape: [d, k], values: matrix),
        MetricPart("\(name)_gap", axes: ["factor"], shape: [k], values: list),
      ]
    }
    return MetricResult(
      [
        MetricScore(
          names[0], Self.mean(Self.gaps(discrete, factors: factors.count)),
          standardError: error(rows: test.count, { accuracies($0) }, "tested")),
        MetricScore(
          names[1], Self.mean(Self.gaps(continuous, factors: factors.count)),
          standardError: error(rows: train.count, { correlations($0) }, "learnt")),
      ], parts: parts("accuracy", discrete) + parts("squared_correlation", continuous))
  }

  /// The best less the second best of each factor, `[F]`, from scores `[D, F]`.
  private static func gaps(_ scores: [Double], factors: Int) -> [Double] {
    (0..<factors).map { f in
      let sorted = stride(from: f, to: scores.count, by: factors).map { scores[$0] }.sorted(by: >)
      return sorted[0] - sorted[1]
    }
  }

  private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

  /// cov²/(var·var); 0 where one of them is constant, as in dlib where the latent's variance is below 10⁻¹².
  static func squaredCorrelation(_ x: [Double], _ y: [Double], _ multiplicities: [Int32]?) -> Double {
    var n = 0.0, sx = 0.0, sy = 0.0
    for i in x.indices {
      let w = Double(multiplicities?[i] ?? 1)
      n += w
      sx += w * x[i]
      sy += w * y[i]
    }
    let mx = sx / n, my = sy / n
    var xx = 0.0, yy = 0.0, xy = 0.0
    for i in x.indices {
      let w = Double(multiplicities?[i] ?? 1), dx = x[i] - mx, dy = y[i] - my
      xx += w * dx * dx
      yy += w * dy * dy
      xy += w * dx * dy
    }
    guard xx / n > 1e-12, yy > 0 else { return 0 }
    return xy * xy / (xx * yy)
  }
}
