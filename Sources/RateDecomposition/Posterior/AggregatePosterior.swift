import Foundation
import TensorCore

/// The aggregate posterior of a whole data set, q(z) = 1/N Σₙ q(z|xₙ): exact log densities, and samples.
///
/// Hoffman & Johnson 2016 ("ELBO surgery") and Chen et al. 2018 (arXiv:1802.04942, §2) for its place in the rate. All
/// in nats.
public struct AggregatePosterior: Sendable {
  /// The posteriors it averages.
  public let posterior: PosteriorTable
  private let mixture: MixtureDensity
  private let device: Device

  /// Prepares the mixture.
  public init(_ posterior: PosteriorTable, on device: Device) {
    self.posterior = posterior
    self.device = device
    mixture = MixtureDensity(
      means: posterior.means, logVariances: posterior.logVariances, dimensions: posterior.latents, on: device)
  }

  /// log q(z) of S points over all N components, and if asked log q(z_d) in each dimension.
  ///
  /// - Parameters:
  ///   - codes: z, `[S, D]`, finite and of magnitude at most ``PosteriorTable/largestMean``.
  ///   - marginals: whether to compute log q(z_d), which takes about four times as long again.
  /// - Returns: `joint` `[S]`, and `marginals` `[S, D]` or empty.
  public func logDensities(of codes: [Float], marginals: Bool) -> (joint: [Double], marginals: [Double]) {
    mixture.logDensities(at: codes, marginals: marginals, on: device)
  }

  /// log q(z_i, z_j) of S points for all pairs of dimensions, over all N components.
  ///
  /// - Parameters:
  ///   - codes: z, `[S, D]`, as for ``logDensities(of:marginals:)``.
  ///   - references: log q(z_d), `[S, D]`, to within a few nats: they keep sums in the range of single precision.
  /// - Returns: `[S, D(D − 1)/2]`, pairs in the order (0, 1), (0, 2), …, (1, 2), ….
  public func logPairDensities(of codes: [Float], references: [Double]) -> [Double] {
    mixture.logPairDensities(at: codes, references: references, on: device)
  }

  /// S independent samples from q(z): a data point n with equal chances, then z ~ q(z|xₙ).
  ///
  /// - Returns: `codes` z, `[S, D]`, rounded to single precision; `indices` n, `[S]`.
  public func samples(_ count: Int, from stream: RandomStream) -> (codes: [Float], indices: [Int]) {
    var choice = stream.split("data point"), noise = stream.split("noise")
    let indices = (0..<count).map { _ in choice.integer(below: posterior.count) }
    return (Self.codes(of: posterior, at: indices, noise: &noise), indices)
  }

  /// z = μₙ + σₙε for each index n, ε standard normal.
  static func codes(of posterior: PosteriorTable, at indices: [Int], noise: inout RandomStream) -> [Float] {
    let d = posterior.latents
    var epsilon = [Double](repeating: 0, count: indices.count * d)
    epsilon.withUnsafeMutableBufferPointer { noise.fillNormal($0) }
    for (s, n) in indices.enumerated() {
      for k in 0..<d {
        let sigma = exp(0.5 * Double(posterior.logVariances[n * d + k]))
        epsilon[s * d + k] = Double(posterior.means[n * d + k]) + sigma * epsilon[s * d + k]
      }
    }
    return epsilon.map { Float($0) }
  }

  /// log q(z_s|x_n(s)) of S codes under their own data points, `[S]`.
  public func logConditionals(of codes: [Float], indices: [Int]) -> [Double] {
    let d = posterior.latents
    return indices.enumerated().map { s, n in
      (0..<d).reduce(0.0) { sum, k in
        sum
          + gaussianLogDensity(
            Double(codes[s * d + k]), mean: Double(posterior.means[n * d + k]),
            logVariance: Double(posterior.logVariances[n * d + k]))
      }
    }
  }

  /// H(z|x_n) = ½Σ_d(log 2πe + log σ²_nd) of the data points `indices`, in nats.
  func conditionalEntropies(of indices: [Int]) -> [Double] {
    let d = posterior.latents
    return indices.map { n in
      posterior.logVariances[n * d..<(n + 1) * d].reduce(0.0) { $0 + gaussianEntropy(logVariance: Double($1)) }
    }
  }

  /// The tabulated density of each dimension, `[D]`; nil where it is too spiky to tabulate.
  public func marginalDensities() -> [MarginalDensity?] {
    let d = posterior.latents, n = posterior.count
    var result = [MarginalDensity?](repeating: nil, count: d)
    result.withUnsafeMutableBufferPointer { result in
      nonisolated(unsafe) let result = result
      // One at a time, since narrow posteriors have larger grids.
      try? device.forEachItem(d) { _, k in
        result[k] = MarginalDensity(
          means: (0..<n).map { posterior.means[$0 * d + k] },
          logVariances: (0..<n).map { posterior.logVariances[$0 * d + k] }, instructions: device.level)
      }
    }
    return result
  }
}

/// log N(z; μ, e^lv) = −½((z − μ)²e^(−lv) + lv + log 2π).
func gaussianLogDensity(_ z: Double, mean: Double, logVariance: Double) -> Double {
  let distance = z - mean
  return -0.5 * (distance * distance * exp(-logVariance) + logVariance + 1.8378770664093454836)
}

/// H(N(μ, e^lv)) = ½(log 2πe + lv).
func gaussianEntropy(logVariance: Double) -> Double { 0.5 * (2.8378770664093454836 + logVariance) }
