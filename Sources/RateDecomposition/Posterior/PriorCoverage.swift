import Diagnostics
import Foundation
import TensorCore

/// How the prior and the aggregate posterior of a whole data set overlap, in nats: whether codes of the prior are such as the
/// decoder was trained on.
///
///     r(z) = log q(z) − log p(z),   E_q[r] = KL(q(z) ‖ p(z)) = TC(z) + Σ_d KL(q(z_d) ‖ p(z_d)),   −E_p[r] = KL(p(z) ‖ q(z))
///
/// Where r is far below 0, the prior has codes that hardly any image has: holes (Rezende & Viola 2018, arXiv:1810.00597,
/// §4). E_p[e^r] = 1 for any q.
public struct PriorCoverage: Sendable, Equatable, Codable {
  /// Always "nats".
  public var units: String
  /// Codes of each kind.
  public var samples: Int
  /// The seed of the codes.
  public var seed: UInt64
  /// KL(q(z) ‖ p(z)).
  public var divergence: Estimate
  /// KL(p(z) ‖ q(z)).
  public var reverseDivergence: Estimate
  /// The share of the prior's codes with q(z) < p(z)/10.
  public var holes: Estimate
  /// r of codes from the prior, in rising order.
  public var priorRatios: [Double]
  /// r of codes from q(z), in rising order.
  public var posteriorRatios: [Double]

  private enum CodingKeys: String, CodingKey {
    case units, samples, seed, divergence, holes
    case reverseDivergence = "reverse_divergence"
    case priorRatios = "prior_ratios"
    case posteriorRatios = "posterior_ratios"
  }

  /// Draws codes of both and computes q(z) over all data points.
  ///
  /// - Parameters:
  ///   - posterior: q(z|x) of all data points.
  ///   - samples: codes of each kind, at least 2.
  ///   - seed: of the codes.
  ///   - device: whose threads work.
  public init(of posterior: PosteriorTable, samples: Int = 1_000, seed: UInt64 = 0, on device: Device) {
    precondition(samples >= 2, "samples")
    let stream = RandomStream(seed: seed).split("prior coverage"), q = AggregatePosterior(posterior, on: device)
    var noise = stream.split("prior")
    var prior = [Float](repeating: 0, count: samples * posterior.latents)
    prior.withUnsafeMutableBufferPointer { noise.fillNormal($0) }
    func ratios(_ codes: [Float]) -> [Double] {
      let d = posterior.latents, densities = q.logDensities(of: codes, marginals: false).joint
      return densities.enumerated().map { s, density in
        codes[s * d..<(s + 1) * d].reduce(density) { $0 - gaussianLogDensity(Double($1), mean: 0, logVariance: 0) }
      }
    }
    let (own, other) = (ratios(prior), ratios(q.samples(samples, from: stream.split("posterior")).codes))
    units = "nats"
    (self.samples, self.seed) = (samples, seed)
    divergence = Estimate(meanOf: other)
    reverseDivergence = Estimate(meanOf: own.map { -$0 })
    holes = Estimate(meanOf: own.map { $0 < -log(10) ? 1 : 0 })
    (priorRatios, posteriorRatios) = (own.sorted(), other.sorted())
  }

  /// What the numbers say, in sentences.
  public var findings: [String] {
    let percent = Format.decimals(100 * holes.value, 1)
    return [
      "KL(q(z) ‖ p(z)) is \(Format.decimals(divergence.value, 2)) nats. \(percent) % of the prior's codes lie where q(z) is less than a "
        + "tenth of p(z): "
        + (holes.value < 0.05
          ? "samples decode codes such as images have."
          : "samples from the prior decode codes that hardly any image has.")
    ]
  }
}
