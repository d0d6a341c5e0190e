/// An estimator of log q(z) and log q(z_d) from a single batch of B of the N data points:
///
///     log q̂(z_i) = log Σ_j w_ij q(z_i|x_j),   z_i ~ q(z|x_i)
///
/// and in each dimension alike (Chen et al. 2018, arXiv:1802.04942, §4.1 and Appendix C). Both estimators are biased by
/// many nats, in opposite directions for total correlation and dimension-wise KL. They are training signals, not
/// measurements: for a measurement, integrate over the whole data set.
public enum MinibatchEstimator: String, Sendable, Codable, CaseIterable {
  /// Minibatch-weighted sampling: w_ij = 1/(B·N) (Eq. 5 and Appendix C.1).
  case weighted = "mws"
  /// Minibatch-stratified sampling, with M = B − 1: w_ii = 1/N for the own data point, (N − M)/(N·M) for one other,
  /// j = (i + 1) mod B, and 1/M for the rest (Eq. S6 and Appendix C.2).
  case stratified = "mss"

  /// The name in words.
  public var title: String {
    switch self {
    case .weighted: "MWS (minibatch-weighted sampling)"
    case .stratified: "MSS (minibatch-stratified sampling)"
    }
  }

  /// The smallest batch for which it is defined.
  public var minimumBatchSize: Int { self == .weighted ? 1 : 2 }

  /// The weights of a row i.
  public struct Weights: Sendable, Equatable {
    /// w_ii.
    public var own: Double
    /// w_ij for j = (i + 1) mod B.
    public var next: Double
    /// All other w_ij.
    public var rest: Double
  }

  /// The weights for batches of B of N data points.
  ///
  /// - Parameters:
  ///   - batch: B ≥ ``minimumBatchSize``.
  ///   - dataCount: N ≥ B.
  public func weights(batch: Int, dataCount: Int) -> Weights {
    requireFit(
      batch >= minimumBatchSize && dataCount >= batch, "weights",
      "a batch of \(batch) of \(dataCount), expected \(minimumBatchSize) ≤ B ≤ N")
    let n = Double(dataCount), m = Double(batch - 1)
    switch self {
    case .weighted:
      let weight = 1 / (Double(batch) * n)
      return Weights(own: weight, next: weight, rest: weight)
    case .stratified: return Weights(own: 1 / n, next: (n - m) / (n * m), rest: 1 / m)
    }
  }
}
