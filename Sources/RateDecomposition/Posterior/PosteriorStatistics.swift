import Foundation

/// What follows from the posteriors in closed form, each an average over all N data points, in nats.
public struct PosteriorStatistics: Sendable, Equatable {
  /// KL(q(z_d|x) ‖ N(0, 1)) = ½(μ² + σ² − log σ² − 1), `[D]` (Kingma & Welling 2014, Appendix B).
  public let klPerDimension: [Double]
  /// Conditional entropy H(z_d|x) = ½(log 2πe + log σ²), `[D]`.
  public let conditionalEntropies: [Double]
  /// Cross-entropy E[−log p(z_d)] = ½(log 2π + μ² + σ²) under the prior N(0, 1), `[D]`.
  public let crossEntropies: [Double]
  /// Mean of the posterior mean over the data, E_x(μ_d), `[D]`: the mean of q(z_d).
  public let means: [Double]
  /// Mean of the posterior variance over the data, E_x(σ_d²), `[D]`.
  public let meanOfVariances: [Double]
  /// Variance of the posterior mean over the data, Var_x(μ_d), `[D]`.
  public let meanVariances: [Double]

  /// The rate: E_x KL(q(z|x) ‖ p(z)), the sum over dimensions.
  public var rate: Double { klPerDimension.reduce(0, +) }

  /// A latent whose posterior mean varies by at least this is active (Burda et al. 2016, arXiv:1509.00519, §C).
  public static let activeVariance = 0.01

  /// The number of active latents: Var_x(μ_d) ≥ 0.01.
  public var activeUnits: Int { meanVariances.count { $0 >= Self.activeVariance } }

  /// Averages over a posterior.
  public init(_ posterior: PosteriorTable) {
    let d = posterior.latents, n = Double(posterior.count)
    var first = [Double](repeating: 0, count: d), second = first, variance = first, logVariance = first
    for i in posterior.means.indices {
      let mean = Double(posterior.means[i]), lv = Double(posterior.logVariances[i])
      first[i % d] += mean
      second[i % d] += mean * mean
      variance[i % d] += exp(lv)
      logVariance[i % d] += lv
    }
    var spread = [Double](repeating: 0, count: d)
    for i in posterior.means.indices {
      let distance = Double(posterior.means[i]) - first[i % d] / n
      spread[i % d] += distance * distance
    }
    let log2Pi = log(2 * Double.pi)
    klPerDimension = (0..<d).map { 0.5 * (second[$0] + variance[$0] - logVariance[$0] - n) / n }
    conditionalEntropies = (0..<d).map { 0.5 * (log2Pi + 1 + logVariance[$0] / n) }
    crossEntropies = (0..<d).map { 0.5 * (log2Pi + (second[$0] + variance[$0]) / n) }
    means = first.map { $0 / n }
    meanOfVariances = variance.map { $0 / n }
    meanVariances = spread.map { $0 / n }
  }
}
