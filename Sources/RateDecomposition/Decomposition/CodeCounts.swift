import Foundation
import TensorCore

/// The entropies of deterministic codes, by counting over all N data points, in nats.
struct CodeCounts {
  /// H(z) = I(x; z): a code is a function of its image.
  let joint: Double
  /// H(z_d) = I(x; z_d), `[D]`.
  let marginals: [Double]
  /// log V, the rate of one latent under the uniform prior over its V values.
  let capacity: Double

  /// Counts the codes of a table; nil if they are not deterministic.
  init?(_ posterior: PosteriorTable) {
    guard let size = posterior.codebookSize else { return nil }
    capacity = log(Double(size))
    let d = posterior.latents, n = posterior.count
    // Codes that agree in the first latents form a group; each further latent splits the groups.
    var groups = [Int](repeating: 0, count: n)
    marginals = (0..<d).map { k in
      var values: [Float: Int] = [:], counts: [Int] = [], pairs: [Int: Int] = [:]
      for row in 0..<n {
        let value = posterior.means[row * d + k]
        let index = values[value] ?? counts.count
        if index == counts.count {
          values[value] = index
          counts.append(0)
        }
        counts[index] += 1
        // Two numbers below N and V in one.
        let key = groups[row] * size + index, group = pairs[key] ?? pairs.count
        pairs[key] = group
        groups[row] = group
      }
      return entropy(ofCounts: counts)
    }
    var counts = [Int](repeating: 0, count: n)
    for group in groups { counts[group] += 1 }
    joint = entropy(ofCounts: counts)
  }

  /// The least entropy of a latent that counts as active.
  static let activeEntropy = 0.01
}

extension Entropies {
  /// By counting. With the uniform prior over V values of each latent the rate is D·log V whatever the encoder does, and
  ///
  ///     D·log V = I(x; z) + TC(z) + Σ_d KL(q(z_d) ‖ p(z_d)),   I = H(z),  TC = Σ_d H(z_d) − H(z),  KL = log V − H(z_d)
  init(counting codes: CodeCounts) {
    method = .counting
    sampleCount = 0
    joint = Estimate(value: codes.joint, standardError: 0)
    marginals = codes.marginals
    mutualInformation = joint
    totalCorrelation = Estimate(value: codes.marginals.reduce(0, +) - codes.joint, standardError: 0)
    let kl = codes.marginals.map { codes.capacity - $0 }
    dimensionWiseKL = .init(value: kl.reduce(0, +), standardError: 0, perDimension: kl)
    sampledRate = Estimate(value: codes.capacity * Double(codes.marginals.count), standardError: nil)
  }
}
