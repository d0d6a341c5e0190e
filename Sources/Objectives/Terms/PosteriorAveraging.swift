import Autodiff
import Foundation
import NeuralLayers
import TensorCore

/// How the posteriors of two images are made one in the latents that they share.
public enum PosteriorAveraging: String, CaseIterable, Sendable {
  /// The mean of the means, and the mean of the variances (Hosoya 2019, GVAE).
  case means = "mean"
  /// The mean weighted by precision, and the variance 2·v₁v₂/(v₁ + v₂), their harmonic mean: the code of the field.
  case harmonic
  /// The mean weighted by precision, and the variance v₁v₂/(v₁ + v₂): the normalised product of the two Gaussians
  /// (Bouchacourt et al. 2018, ML-VAE).
  case product

  /// Both posteriors with the shared latents replaced by their average; the mask is a constant.
  ///
  /// - Parameters:
  ///   - posteriors: those of the first and second images, `[B, D]`.
  ///   - shared: 1 where a pair shares a latent, 0 elsewhere, `[B, D]`.
  package func average(
    _ posteriors: (DiagonalGaussian, DiagonalGaussian), shared: Tensor<Float>
  ) -> (DiagonalGaussian, DiagonalGaussian) {
    let (a, b) = posteriors, average: DiagonalGaussian
    switch self {
    case .means:
      average = DiagonalGaussian(
        mean: (a.mean + b.mean) * 0.5, logVariance: ((a.logVariance.exp() + b.logVariance.exp()) * 0.5).log())
    case .harmonic, .product:
      let (p, q) = ((-a.logVariance).exp(), (-b.logVariance).exp()), sum = p + q
      average = DiagonalGaussian(
        mean: (a.mean * p + b.mean * q) / sum,
        logVariance: (self == .harmonic ? sum * 0.5 : sum).reciprocal().log())
    }
    let mask = Variable(shared), rest = Variable(shared.affine(scale: -1, shift: 1))
    func replaced(_ q: DiagonalGaussian) -> DiagonalGaussian {
      DiagonalGaussian(
        mean: average.mean * mask + q.mean * rest, logVariance: average.logVariance * mask + q.logVariance * rest)
    }
    return (replaced(a), replaced(b))
  }
}

/// The divergence between the posteriors of two images in one latent.
public enum PosteriorDistance: String, CaseIterable, Sendable {
  /// KL(q₁ ‖ q₂): the paper's, and disentanglement_lib's (times two, which does not matter).
  case forward
  /// KL(q₂ ‖ q₁): disent's `kl`.
  case backward
  /// The mean of both: disent's default.
  case symmetric

  /// The divergences of each pair in each latent, in nats, `[B, D]` in row-major order.
  package func values(_ a: DiagonalGaussian, _ b: DiagonalGaussian) -> [Double] {
    func doubles(_ variable: Variable<Float>) -> [Double] { variable.value.elements.map(Double.init) }
    let (m, v, n, w) = (doubles(a.mean), doubles(a.logVariance), doubles(b.mean), doubles(b.logVariance))
    return m.indices.map { i in
      let square = (m[i] - n[i]) * (m[i] - n[i])
      // KL(N(m, eᵛ) ‖ N(n, eʷ)) = ½(w − v + (eᵛ + (m − n)²)/eʷ − 1).
      let forward = 0.5 * (w[i] - v[i] + exp(v[i] - w[i]) + square * exp(-w[i]) - 1)
      let backward = 0.5 * (v[i] - w[i] + exp(w[i] - v[i]) + square * exp(-v[i]) - 1)
      return switch self {
      case .forward: forward
      case .backward: backward
      case .symmetric: 0.5 * (forward + backward)
      }
    }
  }

  /// Which latents a pair shares: those whose divergence is below half of the sum of the pair's largest and smallest
  /// (Locatello et al. 2020, arXiv:2002.02886, §4). A divergence on the threshold is not shared.
  ///
  /// - Returns: 1 for shared latents and 0 for others, `[B, D]`.
  package func shared(_ a: DiagonalGaussian, _ b: DiagonalGaussian) -> Tensor<Float> {
    let latents = a.mean.shape[1], values = values(a, b)
    var mask = [Float](repeating: 0, count: values.count)
    for start in stride(from: 0, to: values.count, by: latents) {
      let row = values[start..<start + latents]
      guard let least = row.min(), let most = row.max() else { continue }
      let threshold = 0.5 * (most + least)
      for i in row.indices where values[i] < threshold { mask[i] = 1 }
    }
    return Tensor(mask, a.mean.shape, on: a.mean.value.device)
  }
}

/// The loss of a pair: that of a β-VAE, averaged over the two images, with posteriors that agree in the shared latents.
///
///     L = ½·Σ_{i = 1, 2} (E[−log p(x_i|z_i)] + β·KL(q̃(z_i|x₁, x₂) ‖ p(z))),   z_i ~ q̃(z_i|x₁, x₂)
func pairLoss(
  of step: TrainingStep, _ settings: PairSettings,
  shared: (PairedImages, DiagonalGaussian, DiagonalGaussian) throws -> Tensor<Float>
) rethrows -> LossTerms {
  guard let images = step.pairs else { preconditionFailure("the batch holds what was asked for") }
  let encoded = (step.posterior, step.encode(images.second)), mask = try shared(images, encoded.0, encoded.1)
  let (a, b) = settings.averaging.average(encoded, shared: mask)
  let first = step.meanDistortion(of: step.images, from: step.sample(a))
  let second = step.meanDistortion(of: images.second, from: step.sample(b))
  return LossTerms(
    .reconstruction((first + second) * 0.5),
    .rate((a.rate + b.rate) * 0.5, weight: settings.beta.value(at: step.number)),
    observations: [("shared_latents", mask.total() / Double(step.batchSize))])
}
