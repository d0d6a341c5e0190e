import Foundation
import TensorCore

/// Densities that lead from one that can be sampled to the posterior times p(x), for some images:
///
///     log f_β(z) = (1 − β)·log b(z) + β·(log p(z) + log p(x|z)),   p(z) = N(0, I)
///
/// With b near the posterior the way is short; with b = p(z) it is p(z)·p(x|z)^β, which has a meaning beyond β = 1 too. Its ends have
/// the normalisers 1 and p(x).
package struct AnnealingPath {
  let latents: Int
  /// Whether b is p(z).
  let startsAtPrior: Bool
  /// Mean, log-variance and 1/variance of b for each image, `[images, D]`.
  private let means, logVariances, precisions: [Double]
  /// 1/variance by which the chains' steps are scaled at β = 1, `[images, D]`.
  private let scales: [Double]

  /// Makes a path.
  ///
  /// - Parameters:
  ///   - start: b of each image; nil for p(z).
  ///   - widths: Gaussians about as wide as the posteriors.
  package init(from start: PosteriorTable?, widths: PosteriorTable) {
    latents = widths.latents
    startsAtPrior = start == nil
    // A latent that is not used may be wider than the prior in q, but not in the posterior.
    scales = widths.logVariances.map { max(1, exp(-Double($0))) }
    means = start.map { $0.means.map(Double.init) } ?? [Double](repeating: 0, count: scales.count)
    logVariances = start.map { $0.logVariances.map(Double.init) } ?? [Double](repeating: 0, count: scales.count)
    precisions = logVariances.map { exp(-$0) }
  }

  /// A code from b for an image, into `codes[place...]`.
  func draw(image: Int, _ noise: inout RandomStream, into codes: inout [Double], at place: Int) {
    for d in 0..<latents {
      let at = image * latents + d
      codes[place + d] = means[at] + exp(logVariances[at] / 2) * noise.normalPair().0
    }
  }

  /// log p(z) + log p(x|z) − log b(z): what log f rises by for each unit of β.
  func slope(image: Int, code: UnsafePointer<Double>, logLikelihood: Double) -> Double {
    var sum = logLikelihood, at = image * latents
    for d in 0..<latents {
      let z = code[d], distance = z - means[at]
      sum += 0.5 * (distance * distance * precisions[at] + logVariances[at] - z * z)
      at += 1
    }
    return sum
  }

  /// The parts of one density for each image that depend on neither code nor decoder.
  struct Coefficients {
    /// β of each image.
    let betas: [Double]
    /// ∂ log f / ∂z = constant + linear·z + β·∂ log p(x|z)/∂z, `[images, D]` each.
    let constant, linear: [Double]
    /// The scale of a chain's steps: the standard deviation that f would have if p(z|x) were as wide as it is thought to be,
    /// `[images, D]`.
    let scales: [Double]
  }

  /// Those of f_β, with a β for each image.
  func coefficients(at betas: [Double]) -> Coefficients {
    func map(_ value: (_ place: Int, _ beta: Double) -> Double) -> [Double] {
      means.indices.map { value($0, betas[$0 / latents]) }
    }
    return Coefficients(
      betas: betas, constant: map { (1 - $1) * precisions[$0] * means[$0] },
      linear: map { -(1 - $1) * precisions[$0] - $1 },
      scales: map { 1 / ((1 - min($1, 1)) * precisions[$0] + min($1, 1) * scales[$0]).squareRoot() })
  }
}

/// Where annealing begins.
public enum AnnealingStart: String, Sendable, Codable, CaseIterable {
  /// At the best diagonal Gaussian of the image: a short way, whatever the encoder is worth.
  case bestGaussian = "best-gaussian"
  /// At q(z|x) of the encoder.
  case posterior
  /// At p(z).
  case prior

  var title: String {
    switch self {
    case .bestGaussian: "the best Gaussian"
    case .posterior: "q(z|x)"
    case .prior: "p(z)"
    }
  }
}
