import Diagnostics
import TensorCore

/// How surprising one image is to a model, in nats: what anomaly detection ranks images by.
///
///     −ELBO(x)    = E_q(z|x)[−log p(x|z)] + KL(q(z|x) ‖ p(z))
///     −log p̂(x)  = −log 1/K Σ_k p(x|z_k)·p(z_k)/q(z_k|x),   z_k ~ q(z|x)
///
/// (Kingma & Welling 2014, Eq. 3; Burda et al. 2016, arXiv:1509.00519, Eq. 8). −log p̂ is too high on average, by less the
/// larger K; −ELBO is the same bound with K = 1.
public struct ImageScore: Sendable, Equatable {
  /// E[−log p(x|z)], the mean over K codes from q(z|x).
  public var reconstruction: Estimate
  /// KL(q(z|x) ‖ p(z)) in closed form.
  public var kl: Double
  /// −log p̂(x) by importance sampling with the same K codes, as ``MarginalLikelihood/Value`` has it.
  public var negativeLogLikelihood: Estimate
  /// (Σ w)² / Σ w² of the K weights, between 1 and K. Below ``leastEffectiveSampleSize`` a few codes decide, and
  /// −log p̂(x) is likely too high.
  public var effectiveSampleSize: Double

  /// −ELBO.
  public var negativeELBO: Double { reconstruction.value + kl }

  /// The effective sample size from which −log p̂(x) is trusted.
  public static let leastEffectiveSampleSize = LogWeights.leastEffectiveSize

  /// Scores an image by codes drawn from its posterior.
  ///
  /// - Parameters:
  ///   - posterior: has q(z|x) of the image.
  ///   - row: which of its rows that is.
  ///   - codes: z_k, `[K, D]`, from ``PosteriorTable/codes(at:count:noise:)``.
  ///   - logLikelihoods: log p(x|z_k), `[K]`.
  /// - Throws: `StructuredError` if a log-likelihood is not finite.
  public init(of posterior: PosteriorTable, row: Int, codes: [Float], logLikelihoods: [Double]) throws {
    precondition(codes.count == logLikelihoods.count * posterior.latents, "one log-likelihood for each code")
    guard !logLikelihoods.isEmpty, logLikelihoods.allSatisfy(\.isFinite) else {
      throw StructuredError(
        "log p(x|z) is not finite for every code", expected: "finite log-likelihoods",
        action: "Check that training did not diverge.")
    }
    let weights = LogWeights(posterior.logWeights(at: row, codes: codes, logLikelihoods: logLikelihoods)[...])
    reconstruction = Estimate(meanOf: logLikelihoods.map { -$0 })
    kl = posterior.rate(at: row)
    negativeLogLikelihood = Estimate(value: -weights.logMean, standardError: weights.standardError)
    effectiveSampleSize = weights.effectiveSize
  }
}

extension PosteriorTable {
  /// Independent codes z ~ q(z|x) of one row, `[count, D]`.
  public func codes(at row: Int, count: Int, noise: inout RandomStream) -> [Float] {
    AggregatePosterior.codes(of: self, at: [Int](repeating: row, count: count), noise: &noise)
  }

  /// KL(q(z|x) ‖ N(0, I)) = ½ Σ_d (μ² + σ² − log σ² − 1) of one row (Kingma & Welling 2014, Appendix B).
  public func rate(at row: Int) -> Double { PosteriorStatistics(rows([row])).rate }

  /// log w_k = log p(x|z_k) + log p(z_k) − log q(z_k|x) of codes `[K, D]` from the posterior of one row, `[K]`.
  func logWeights(at row: Int, codes: [Float], logLikelihoods: [Double]) -> [Double] {
    var weights = logLikelihoods
    for k in weights.indices {
      for d in 0..<latents {
        let z = Double(codes[k * latents + d])
        weights[k] +=
          gaussianLogDensity(z, mean: 0, logVariance: 0)
          - gaussianLogDensity(
            z, mean: Double(means[row * latents + d]), logVariance: Double(logVariances[row * latents + d]))
      }
    }
    return weights
  }
}
