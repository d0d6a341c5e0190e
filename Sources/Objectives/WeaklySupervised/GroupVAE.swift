import Diagnostics
import NeuralLayers
import StrictConfiguration
import TensorCore

/// GVAE and ML-VAE: VAEs trained on pairs of images of which it is known which factors are the same.
///
///     q̃(z_d|x₁, x₂) = average of both posteriors where the pair shares factor d, else each its own
///     L = ½·Σ_{i = 1, 2} (E[−log p(x_i|z_i)] + β·KL(q̃(z_i|x₁, x₂) ‖ p(z)))
///
/// Hosoya 2019 (arXiv:1809.02383, GVAE) and Bouchacourt et al. 2018 (arXiv:1705.08841, ML-VAE), in the form that Locatello
/// et al. 2020 (arXiv:2002.02886) compare with. Latent d stands for factor d of those that take more than one value;
/// latents beyond them are shared, as in `disentanglement_lib`, or each image's own.
public struct GroupVAE: Objective, Sendable {
  /// What becomes of latents that stand for no factor.
  public enum Others: String, CaseIterable, Sendable {
    /// They are averaged.
    case shared
    /// They are not.
    case own
  }

  let settings: PairSettings
  let others: Others

  init(from section: inout ConfigurationSection, _ averagings: [PosteriorAveraging]) throws {
    var others = Others.shared
    settings = try PairSettings(from: &section, averagings) { others = try $0.choice("other_latents", default: others) }
    self.others = others
  }

  /// GVAE: means of means and variances.
  public struct GVAE: ObjectiveConfiguration {
    private let objective: GroupVAE
    /// Reads `beta`, `other_latents` and the section `pairs`.
    public init(from section: inout ConfigurationSection) throws {
      objective = try GroupVAE(from: &section, [.means])
    }
    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective { objective }
  }

  /// ML-VAE: means weighted by precision.
  public struct MLVAE: ObjectiveConfiguration {
    private let objective: GroupVAE
    /// Reads `beta`, `variance`, `other_latents` and the section `pairs`.
    public init(from section: inout ConfigurationSection) throws {
      objective = try GroupVAE(from: &section, [.product, .harmonic])
    }
    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective { objective }
  }

  /// Pairs.
  public var batch: BatchRequest { settings.batch }

  /// Makes sure that there is a latent for each factor.
  public func check(factors: Int, latents: Int) throws { try requireLatent(forEach: factors, of: latents) }

  /// The loss of the pairs.
  ///
  /// - Throws: `StructuredError` if there are more factors than latents.
  public func loss(of step: TrainingStep) throws -> LossTerms {
    try pairLoss(of: step, settings) { pairs, first, _ in
      let mask = try Self.mask(pairs, latents: first.mean.shape[1], others)
      return Tensor(mask, first.mean.shape, on: step.pass.device)
    }
  }

  /// 1 where a pair shares a latent, 0 elsewhere, `[B, D]` in row-major order.
  package static func mask(_ pairs: PairedImages, latents: Int, _ others: Others) throws -> [Float] {
    let varying = pairs.varying
    try requireLatent(forEach: varying.count, of: latents)
    let count = pairs.shared.count / pairs.factors
    var mask = [Float](repeating: others == .shared ? 1 : 0, count: count * latents)
    for row in 0..<count {
      for (latent, factor) in varying.enumerated() {
        mask[row * latents + latent] = pairs.shared[row * pairs.factors + factor] ? 1 : 0
      }
    }
    return mask
  }
}

/// Makes sure that there is a latent for each factor.
func requireLatent(forEach factors: Int, of latents: Int) throws {
  guard factors <= latents else {
    throw StructuredError(
      "there are \(factors) factors and \(latents) \(latents == 1 ? "latent" : "latents")", at: "model.latents",
      expected: "a latent for each factor", action: "Choose more with --set model.latents=\(factors).")
  }
}
