import Foundation
import TensorCore

/// The estimates of the three terms that training losses take from a single batch (Chen et al. 2018, arXiv:1802.04942,
/// §4.1 and Appendix C). They are training signals, not measurements: a report shows them beside the exact values, with
/// how far they are off.
public enum MinibatchEstimator: String, Sendable, Codable, CaseIterable {
  /// Minibatch-weighted sampling, Eq. 5 and Appendix C.1: log q̂(z_i) = log Σ_j q(z_i|x_j) − log(BN), and so in each
  /// dimension.
  case weighted = "mws"
  /// Minibatch-stratified sampling, Appendix C.2: with M = B − 1, weight 1/N for the own data point j = i, (N − M)/(NM)
  /// for one other, j = (i + 1) mod B, and 1/M for the rest.
  case stratified = "mss"

  /// The name in words.
  public var title: String {
    switch self {
    case .weighted: "MWS (minibatch-weighted sampling)"
    case .stratified: "MSS (minibatch-stratified sampling)"
    }
  }

  /// The least batch it is defined for.
  public var leastBatch: Int { self == .weighted ? 1 : 2 }

  /// Log densities as estimated from one batch.
  public struct Densities: Sendable {
    /// log q̂(z_i), `[B]`.
    public var joint: [Double]
    /// log q̂(z_id), `[B, D]`.
    public var marginals: [Double]
  }

  /// Estimates log q(z_i) and log q(z_id) for the codes of one batch.
  ///
  /// - Parameters:
  ///   - codes: z, `[B, D]`, z_i drawn from q(z|x_i); B ≥ ``leastBatch``.
  ///   - means: μ, `[B, D]`.
  ///   - logVariances: log σ², `[B, D]`.
  ///   - d: D.
  ///   - dataCount: N ≥ B.
  public func densities(
    codes: [Double], means: [Double], logVariances: [Double], latents d: Int, dataCount: Int
  ) -> Densities {
    densities(
      of: BatchSums(codes: codes, means: means, logVariances: logVariances, latents: d), dataCount: dataCount)
  }

  /// The same from sums that all estimators share.
  func densities(of sums: BatchSums, dataCount: Int) -> Densities {
    let batch = sums.joint.count
    precondition(batch >= leastBatch && dataCount >= batch, "the batch is too small, or larger than the data")
    let n = Double(dataCount), m = Double(batch - 1)
    func logDensity(_ row: BatchSums.Row) -> Double {
      switch self {
      case .weighted: return row.top + log(row.sum) - log(Double(batch) * n)
      case .stratified:
        // What rounding leaves of the rest counts for nothing beside own/N.
        let rest = max(0, row.sum - row.own - row.next)
        return row.top + log(row.own / n + row.next * (n - m) / (n * m) + rest / m)
      }
    }
    return Densities(joint: sums.joint.map(logDensity), marginals: sums.marginals.map(logDensity))
  }

  /// The three terms averaged over the codes of one batch: mutual information E[log q(z|x) − log q̂(z)], total
  /// correlation E[log q̂(z) − Σ_d log q̂(z_d)], dimension-wise KL E[Σ_d log q̂(z_d) − log p(z)].
  ///
  /// Parameters as in ``densities(codes:means:logVariances:latents:dataCount:)``.
  public func terms(
    codes: [Double], means: [Double], logVariances: [Double], latents d: Int, dataCount: Int
  ) -> (mutualInformation: Double, totalCorrelation: Double, dimensionWiseKL: Double) {
    terms(CodeBatch(codes: codes, means: means, logVariances: logVariances, latents: d), dataCount: dataCount)
  }

  /// The same of a batch whose sums may be known already.
  func terms(
    _ batch: CodeBatch, sums: BatchSums? = nil, dataCount: Int
  ) -> (mutualInformation: Double, totalCorrelation: Double, dimensionWiseKL: Double) {
    let densities = densities(of: sums ?? BatchSums(batch), dataCount: dataCount)
    var conditional = 0.0, prior = 0.0
    for i in batch.codes.indices {
      conditional += gaussianLogDensity(batch.codes[i], mean: batch.means[i], logVariance: batch.logVariances[i])
      prior += gaussianLogDensity(batch.codes[i], mean: 0, logVariance: 0)
    }
    let joint = densities.joint.reduce(0, +), marginals = densities.marginals.reduce(0, +), b = Double(batch.size)
    return ((conditional - joint) / b, (joint - marginals) / b, (marginals - prior) / b)
  }
}

/// What a minibatch estimator says about the three terms, averaged over several batches, and by how much it is off.
public struct MinibatchEstimate: Sendable, Equatable, Codable {
  /// Three numbers for the three terms, in nats.
  public struct Terms: Sendable, Equatable, Codable {
    /// Index-code mutual information.
    public var mutualInformation: Double
    /// Total correlation.
    public var totalCorrelation: Double
    /// Dimension-wise KL.
    public var dimensionWiseKL: Double

    /// Gathers the three.
    public init(mutualInformation: Double, totalCorrelation: Double, dimensionWiseKL: Double) {
      self.mutualInformation = mutualInformation
      self.totalCorrelation = totalCorrelation
      self.dimensionWiseKL = dimensionWiseKL
    }

    private enum CodingKeys: String, CodingKey {
      case mutualInformation = "mutual_information"
      case totalCorrelation = "total_correlation"
      case dimensionWiseKL = "dimension_wise_kl"
    }
  }

  /// Which estimator.
  public var estimator: MinibatchEstimator
  /// B.
  public var batchSize: Int
  /// The number of independent batches averaged over.
  public var batches: Int
  /// The mean of the mutual information.
  public var mutualInformation: Double
  /// The mean of the total correlation.
  public var totalCorrelation: Double
  /// The mean of the dimension-wise KL.
  public var dimensionWiseKL: Double
  /// Estimate minus exact value.
  public var bias: Terms
  /// Standard errors over batches of the three means; nil for a single batch.
  public var standardError: Terms?

  /// Averages an estimator over batches of distinct data points, each with one fresh code.
  ///
  /// - Parameters:
  ///   - estimator: the estimator.
  ///   - posterior: q(z|x) of the data points from which batches are drawn.
  ///   - exact: the exact values to compare with.
  ///   - batchSize: B, between ``MinibatchEstimator/leastBatch`` and N.
  ///   - batches: how many, at least 1.
  ///   - dataCount: the N of the weights where it is not the number of posteriors at hand.
  ///   - stream: where batches and codes come from.
  public init(
    _ estimator: MinibatchEstimator, of posterior: PosteriorTable, exact: Terms, batchSize: Int, batches: Int,
    dataCount: Int? = nil, from stream: RandomStream
  ) {
    var values: [[Double]] = [[], [], []]
    for batch in 0..<batches {
      var choice = stream.split("batch", batch), noise = stream.split("noise", batch)
      let indices = choice.distinct(batchSize, below: posterior.count)
      let terms = estimator.terms(
        CodeBatch(of: posterior, at: indices, noise: &noise), dataCount: dataCount ?? posterior.count)
      values[0].append(terms.mutualInformation)
      values[1].append(terms.totalCorrelation)
      values[2].append(terms.dimensionWiseKL)
    }
    let means = values.map { Estimate(meanOf: $0) }
    self.estimator = estimator
    self.batchSize = batchSize
    self.batches = batches
    mutualInformation = means[0].value
    totalCorrelation = means[1].value
    dimensionWiseKL = means[2].value
    bias = Terms(
      mutualInformation: means[0].value - exact.mutualInformation,
      totalCorrelation: means[1].value - exact.totalCorrelation,
      dimensionWiseKL: means[2].value - exact.dimensionWiseKL)
    if let a = means[0].standardError, let b = means[1].standardError, let c = means[2].standardError {
      standardError = Terms(mutualInformation: a, totalCorrelation: b, dimensionWiseKL: c)
    }
  }

  private enum CodingKeys: String, CodingKey {
    case estimator, batches, bias
    case batchSize = "batch_size"
    case mutualInformation = "mutual_information"
    case totalCorrelation = "total_correlation"
    case dimensionWiseKL = "dimension_wise_kl"
    case standardError = "standard_error"
  }
}
