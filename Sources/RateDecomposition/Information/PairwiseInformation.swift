import Diagnostics
import Foundation
import TensorCore

/// The mutual information of every pair of latents under the aggregate posterior,
///
///     I(z_i; z_j) = KL(q(z_i, z_j) ‖ q(z_i)·q(z_j)) = H(z_i) + H(z_j) − H(z_i, z_j),
///
/// in nats, with q(z_i, z_j) summed over all N posteriors. It is 0 for all pairs of a factorised code; a pair can never
/// share more than the lesser of I(x; z_i) and I(x; z_j), since z_i and z_j are independent given x.
public struct PairwiseInformation: Sendable, Equatable, Codable {
  /// What to measure with.
  public struct Options: Sendable {
    /// S, the number of samples of q(z), the same ones for all pairs; at least 1.
    public var samples = 2_000
    /// The seed of the samples.
    public var seed: UInt64 = 0
    /// Of more latents than this only those with the largest KL are paired, since time grows with the square. A latent
    /// whose KL is small shares no more than that with any other.
    public var largestCount = 32

    /// The defaults.
    public init() {}
  }

  /// One pair.
  public struct Pair: Sendable, Equatable, Codable {
    /// i.
    public var first: Int
    /// j > i.
    public var second: Int
    /// I(z_i; z_j). Where it is nearly 0 the estimate may be negative by a standard error or two.
    public var mutualInformation: Estimate

    private enum CodingKeys: String, CodingKey {
      case first, second
      case mutualInformation = "mutual_information"
    }
  }

  /// Always "nats".
  public var units: String
  /// N.
  public var dataPoints: Int
  /// D.
  public var latents: Int
  /// S.
  public var samples: Int
  /// The seed of the samples.
  public var seed: UInt64
  /// The M latents that were paired, ascending: all D, unless there are very many.
  public var paired: [Int]
  /// All pairs i < j of ``paired``, i slowest: `[M(M − 1)/2]`.
  public var pairs: [Pair]

  /// I(z_i; z_j) of two latents in either order; nil for i = j, or where one was not paired.
  public subscript(_ i: Int, _ j: Int) -> Estimate? {
    guard i != j, let a = paired.firstIndex(of: min(i, j)), let b = paired.firstIndex(of: max(i, j)) else { return nil }
    return pairs[a * paired.count - a * (a + 1) / 2 + b - a - 1].mutualInformation
  }

  /// Measures all pairs.
  ///
  /// Where marginals are integrated, I(z_i; z_j) = I(x; z_i) + I(x; z_j) − E[log q(z_i, z_j|x) − log q(z_i, z_j)], of
  /// which only the last is a mean over samples. Its controls are the same quantity of z_i and of z_j, whose means I(x;
  /// z_i) and I(x; z_j) are known, and the noise of the samples: for independent latents nothing is left to chance.
  /// Otherwise it is the mean of log q(z_i, z_j) − log q(z_i) − log q(z_j).
  ///
  /// - Throws: `StructuredError` for fewer than one sample.
  public init(of posterior: IntegratedPosterior, options: Options = Options()) throws {
    guard options.samples >= 1 else {
      throw StructuredError("samples is \(options.samples)", expected: "at least 1")
    }
    let d = posterior.latents, count = options.samples
    let kl = posterior.statistics.klPerDimension
    let chosen = kl.indices.sorted { (kl[$1], $0) < (kl[$0], $1) }.prefix(max(2, options.largestCount)).sorted()
    let stream = RandomStream(seed: options.seed).split("pairwise information")
    let (allCodes, indices) = posterior.aggregate.samples(count, from: stream)
    let table = posterior.posterior
    let aggregate =
      chosen.count == d ? posterior.aggregate : AggregatePosterior(table.columns(chosen), on: posterior.device)
    let m = chosen.count
    let codes = m == d ? allCodes : (0..<count).flatMap { s in chosen.map { allCodes[s * d + $0] } }

    // log q(z_d), log q(z_d|x) and log q(z_d|x) + H(z_d|x) of each latent, `[M][S]`.
    let sampled =
      chosen.contains { posterior.marginals[$0] == nil } ? aggregate.logDensities(of: codes, marginals: true) : nil
    var marginal: [[Double]] = [], conditional: [[Double]] = [], noise: [[Double]] = []
    for (k, latent) in chosen.enumerated() {
      marginal.append(
        (0..<count).map { s in
          posterior.marginals[latent]?.logDensity(at: Double(codes[s * m + k])) ?? sampled?.marginals[s * m + k] ?? .nan
        })
      conditional.append(
        (0..<count).map { s in posterior.logConditional(codes[s * m + k], latent: latent, index: indices[s]) })
      noise.append(
        (0..<count).map { s in
          conditional[k][s] + gaussianEntropy(logVariance: Double(table.logVariances[indices[s] * d + latent]))
        })
    }
    let references = (0..<count).flatMap { s in (0..<m).map { marginal[$0][s] } }
    let joint = aggregate.logPairDensities(of: codes, references: references)

    units = "nats"
    dataPoints = posterior.dataPoints
    latents = d
    samples = count
    seed = options.seed
    paired = chosen
    let informations = posterior.informations, pairCount = m * (m - 1) / 2
    var positions: [(Int, Int)] = []
    for i in 0..<m { for j in i + 1..<max(m, i + 1) { positions.append((i, j)) } }
    var values = [Estimate](repeating: Estimate(value: 0, standardError: nil), count: pairCount)
    values.withUnsafeMutableBufferPointer { values in
      nonisolated(unsafe) let values = values
      let positions = positions, marginal = marginal, conditional = conditional, noise = noise
      posterior.device.forEachRange(pairCount) { _, range in
        for p in range {
          let (i, j) = positions[p]
          if let a = informations[chosen[i]], let b = informations[chosen[j]] {
            let both = Estimate(
              meanOf: (0..<count).map { conditional[i][$0] + conditional[j][$0] - joint[$0 * pairCount + p] },
              controls: [
                zip(conditional[i], marginal[i]).map { $0 - $1 }, zip(conditional[j], marginal[j]).map { $0 - $1 },
                zip(noise[i], noise[j]).map { $0 + $1 },
              ], means: [a, b, 0])
            values[p] = Estimate(value: a + b - both.value, standardError: both.standardError)
          } else {
            values[p] = Estimate(
              meanOf: (0..<count).map { joint[$0 * pairCount + p] - marginal[i][$0] - marginal[j][$0] })
          }
        }
      }
    }
    pairs = zip(positions, values).map { Pair(first: chosen[$0.0], second: chosen[$0.1], mutualInformation: $1) }
  }

  private enum CodingKeys: String, CodingKey {
    case units, latents, samples, seed, paired, pairs
    case dataPoints = "data_points"
  }
}
