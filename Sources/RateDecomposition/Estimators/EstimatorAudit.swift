import Diagnostics
import Foundation
import TensorCore

/// Common estimators of the three terms of the rate of one posterior beside the exact values: the mean over batches,
/// the standard deviation from batch to batch, and the bias. All in nats.
///
/// It explains why a training log shows a total correlation of −3 or of 125 nats: minibatch estimators see a batch and
/// extrapolate to the other N − B posteriors.
public struct EstimatorAudit: Sendable, Equatable, Codable {
  /// An estimator.
  public enum Estimator: String, Sendable, Codable, CaseIterable {
    /// Over the whole data set: ``RateDecomposition``.
    case exact
    /// Minibatch-weighted sampling (Chen et al. 2018, arXiv:1802.04942, Eq. 5).
    case weighted = "mws"
    /// Minibatch-stratified sampling with the own data point on the diagonal, as in the paper (Appendix C.2).
    case stratified = "mss"
    /// The Gaussian with the mean and covariance of the batch's mixture in the place of q(z), as
    /// disentanglement_lib's Gaussian total correlation (Locatello et al. 2019, arXiv:1811.12359, §5.4).
    case gaussian
    /// The density ratio D₀(z) − D₁(z) of FactorVAE's discriminator (Kim & Mnih 2018, arXiv:1802.05983, Eq. 3): total
    /// correlation only.
    case discriminator

    init(_ estimator: MinibatchEstimator) {
      switch estimator {
      case .weighted: self = .weighted
      case .stratified: self = .stratified
      }
    }

    /// The name in words.
    public var title: String {
      switch self {
      case .exact: "exact"
      case .weighted: "MWS"
      case .stratified: "MSS"
      case .gaussian: "Gaussian approximation"
      case .discriminator: "discriminator"
      }
    }
  }

  /// What to audit with.
  public struct Options: Sendable {
    /// The sizes of batches, each at least 1; larger than N counts as N.
    public var batchSizes = [64, 256, 1024]
    /// How many independent batches of each size, at least 1.
    public var batches = 32
    /// The seed of the batches.
    public var seed: UInt64 = 0

    /// The defaults.
    public init() {}
  }

  /// An estimate of one term.
  public struct Cell: Sendable, Equatable, Codable {
    /// The mean over the batches.
    public var mean: Double
    /// The standard deviation from batch to batch; nil for a single batch, and for the exact values.
    public var standardDeviation: Double?
    /// The standard error of the mean; nil for a single batch that does not hold the whole data set.
    public var standardError: Double?
    /// The mean minus the exact value.
    public var bias: Double
    /// The standard error of the bias, that of the exact value included.
    public var biasStandardError: Double?

    private enum CodingKeys: String, CodingKey {
      case mean, bias
      case standardDeviation = "standard_deviation"
      case standardError = "standard_error"
      case biasStandardError = "bias_standard_error"
    }
  }

  /// One estimator at one batch size.
  public struct Row: Sendable, Equatable, Codable {
    /// Which estimator.
    public var estimator: Estimator
    /// B; N where the estimator saw the whole data set.
    public var batchSize: Int
    /// The number of batches; 1 for the whole data set.
    public var batches: Int
    /// I(x; z); nil where the estimator does not estimate it, or it is infinite in some batch.
    public var mutualInformation: Cell?
    /// TC(z); nil where it is infinite in some batch.
    public var totalCorrelation: Cell?
    /// Σ_d KL(q(z_d) ‖ p(z_d)); nil where the estimator does not estimate it.
    public var dimensionWiseKL: Cell?

    private enum CodingKeys: String, CodingKey {
      case estimator, batches
      case batchSize = "batch_size"
      case mutualInformation = "mutual_information"
      case totalCorrelation = "total_correlation"
      case dimensionWiseKL = "dimension_wise_kl"
    }
  }

  /// What the objective penalises in place of TC, at one batch size.
  public struct Dependence: Sendable, Equatable, Codable {
    /// What it is.
    public var title: String
    /// B.
    public var batchSize: Int
    /// The mean over the batches, in units of its own.
    public var mean: Double
    /// The standard deviation from batch to batch; nil for a single batch.
    public var standardDeviation: Double?

    private enum CodingKeys: String, CodingKey {
      case title, mean
      case batchSize = "batch_size"
      case standardDeviation = "standard_deviation"
    }
  }

  /// Always "nats".
  public var units: String
  /// N.
  public var dataPoints: Int
  /// D.
  public var latents: Int
  /// The seed of the batches.
  public var seed: UInt64
  /// The samples of q(z) behind the exact values.
  public var samples: Int
  /// The exact values first; then each estimator, its batch sizes ascending.
  public var rows: [Row]
  /// What the objective penalises in place of TC, its batch sizes ascending; nil where there is no such thing.
  public var dependence: [Dependence]?

  /// The largest batch whose ``dependence`` is measured: a distance between supports takes more than the square of the batch.
  public static let largestDependenceBatch = 256

  /// Audits the estimators on one posterior.
  ///
  /// Batches are of distinct data points, each with one code, and the same for all estimators.
  ///
  /// - Parameters:
  ///   - posterior: the posteriors of all N data points.
  ///   - exact: their exact decomposition.
  ///   - options: batches and seed.
  ///   - logDensityRatio: the discriminator's D₀(z) − D₁(z) of codes `[B, D]`, `[B]`; nil where there is none.
  ///   - dependence: what the objective penalises in place of TC, of means and codes `[B, D]`; measured for batches of up to
  ///     ``largestDependenceBatch``.
  ///   - device: whose threads work.
  ///   - progress: called with the number of batch sizes done.
  /// - Throws: `StructuredError` for no batches or a batch size below 1, and what `logDensityRatio` throws.
  public init(
    of posterior: PosteriorTable, exact: RateDecomposition, options: Options = Options(),
    logDensityRatio: ((_ codes: [Float]) throws -> [Float])? = nil,
    dependence: (title: String, value: (_ means: [Float], _ codes: [Float]) -> Double)? = nil, on device: Device,
    progress: (Int) -> Void = { _ in }
  ) throws {
    for (name, value) in [("batches", options.batches)] + options.batchSizes.map({ ("batch size", $0) })
    where value < 1 {
      throw StructuredError("the \(name) is \(value)", expected: "at least 1")
    }
    let reference = [
      exact.mutualInformation, exact.totalCorrelation,
      Estimate(value: exact.dimensionWiseKL.value, standardError: exact.dimensionWiseKL.standardError),
    ]
    units = "nats"
    dataPoints = posterior.count
    latents = posterior.latents
    seed = options.seed
    samples = exact.samples
    rows = [Row(exact: reference, dataPoints: posterior.count)]
    let stream = RandomStream(seed: options.seed).split("estimator audit")
    var gathered: [Estimator: [Row]] = [:]
    for (number, size) in Set(options.batchSizes.map { min($0, posterior.count) }).sorted().enumerated() {
      let batches = (0..<options.batches).map {
        CodeBatch(of: posterior, size: size, from: stream.split("size \(size)", $0))
      }
      for (estimator, terms) in Self.terms(batches, dataCount: posterior.count, on: device) {
        gathered[estimator, default: []].append(
          Row(estimator, size, terms, reference, dataCount: posterior.count))
      }
      if let logDensityRatio {
        let ratios = try batches.map { batch in
          let values = try logDensityRatio(batch.codes.map { Float($0) })
          return [nil, values.reduce(0.0) { $0 + Double($1) } / Double(size), nil]
        }
        gathered[.discriminator, default: []].append(
          Row(.discriminator, size, ratios, reference, dataCount: posterior.count))
      }
      if let dependence, size <= Self.largestDependenceBatch {
        let mean = Estimate(
          meanOf: batches.map { dependence.value($0.means.map { Float($0) }, $0.codes.map { Float($0) }) })
        self.dependence =
          (self.dependence ?? []) + [
            Dependence(
              title: dependence.title, batchSize: size, mean: mean.value,
              standardDeviation: mean.standardError.map { $0 * Double(batches.count).squareRoot() })
          ]
      }
      progress(number + 1)
    }
    if gathered[.gaussian]?.last?.batchSize != posterior.count {
      let whole = GaussianApproximation(
        means: posterior.means, logVariances: posterior.logVariances, latents: posterior.latents)
      gathered[.gaussian, default: []].append(
        Row(.gaussian, posterior.count, [whole.terms], reference, dataCount: posterior.count))
    }
    rows += Estimator.allCases.flatMap { gathered[$0] ?? [] }
  }

  /// The terms of each batch by the estimators that need no network: `[batches][3]`.
  private static func terms(
    _ batches: [CodeBatch], dataCount: Int, on device: Device
  ) -> [(estimator: Estimator, terms: [[Double?]])] {
    let minibatch = MinibatchEstimator.allCases.filter { $0.minimumBatchSize <= batches[0].size }
    // `[batches][estimators][3]`.
    var values = [[[Double?]]](repeating: [], count: batches.count)
    values.withUnsafeMutableBufferPointer { values in
      nonisolated(unsafe) let values = values
      device.forEachRange(batches.count) { _, range in
        for b in range {
          let batch = batches[b], sums = BatchSums(batch, instructions: device.level)
          values[b] = minibatch.map {
            let terms = $0.terms(batch, sums: sums, dataCount: dataCount)
            return [terms.mutualInformation, terms.totalCorrelation, terms.dimensionWiseKL]
          }
          values[b].append(
            GaussianApproximation(
              means: batch.means.map { Float($0) }, logVariances: batch.logVariances.map { Float($0) },
              latents: batch.latents
            ).terms)
        }
      }
    }
    return (minibatch.map { Estimator($0) } + [.gaussian]).enumerated().map { e, estimator in
      (estimator, values.map { $0[e] })
    }
  }

  private enum CodingKeys: String, CodingKey {
    case units, latents, seed, samples, rows, dependence
    case dataPoints = "data_points"
  }
}

extension EstimatorAudit.Row {
  /// The exact values.
  fileprivate init(exact: [Estimate], dataPoints: Int) {
    estimator = .exact
    batchSize = dataPoints
    batches = 1
    let cells = exact.map {
      EstimatorAudit.Cell(
        mean: $0.value, standardDeviation: nil, standardError: $0.standardError, bias: 0, biasStandardError: 0)
    }
    (mutualInformation, totalCorrelation, dimensionWiseKL) = (cells[0], cells[1], cells[2])
  }

  /// An estimator's terms of several batches, `[batches][3]`, beside the exact ones.
  fileprivate init(
    _ estimator: EstimatorAudit.Estimator, _ size: Int, _ terms: [[Double?]], _ exact: [Estimate], dataCount: Int
  ) {
    self.estimator = estimator
    batchSize = size
    batches = terms.count
    let cells = exact.indices.map { k -> EstimatorAudit.Cell? in
      // A term that is infinite in one batch has no mean.
      let values = terms.compactMap { $0[k] }
      guard !values.isEmpty, values.count == terms.count else { return nil }
      var mean = Estimate(meanOf: values)
      let spread = mean.standardError.map { $0 * Double(values.count).squareRoot() }
      // The Gaussian of the whole data set is not random.
      if estimator == .gaussian, size == dataCount { mean.standardError = 0 }
      let errors = mean.standardError.flatMap { a in exact[k].standardError.map { (a * a + $0 * $0).squareRoot() } }
      return EstimatorAudit.Cell(
        mean: mean.value, standardDeviation: spread, standardError: mean.standardError,
        bias: mean.value - exact[k].value, biasStandardError: errors)
    }
    (mutualInformation, totalCorrelation, dimensionWiseKL) = (cells[0], cells[1], cells[2])
  }
}
