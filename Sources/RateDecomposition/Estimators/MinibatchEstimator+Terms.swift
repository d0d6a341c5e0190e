import Foundation
import TensorCore

extension MinibatchEstimator {
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
  ///   - codes: z, `[B, D]`, z_i drawn from q(z|x_i); B ≥ `minimumBatchSize`.
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
    precondition(batch >= minimumBatchSize && dataCount >= batch, "the batch is too small, or larger than the data")
    let weights = weights(batch: batch, dataCount: dataCount)
    func logDensity(_ row: BatchSums.Row) -> Double {
      // What rounding leaves of the rest counts for nothing beside the own term.
      let rest = max(0, 1 - row.own - row.next)
      switch self {
      case .weighted: return row.logSum + log(weights.rest)
      case .stratified: return row.logSum + log(row.own * weights.own + row.next * weights.next + rest * weights.rest)
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
