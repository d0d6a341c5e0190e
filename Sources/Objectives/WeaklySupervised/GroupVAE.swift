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
/// et al. 2020 (arXiv:2002.02886, §5) compare with. Latent d stands for factor d of those that take more than one value;
/// latents beyond them are shared, as in `disentanglement_lib`, or each image's own.
public struct GroupVAE: Objective {
  /// What becomes of latents that stand for no factor.
  public enum Others: String, CaseIterable, Sendable {
    /// They are averaged.
    case shared
    /// They are not.
    case own
  }

  /// Settings.
  public struct Settings: Sendable {
    /// Weight of the rate.
    public var beta: Schedule = 1
    /// How posteriors are averaged.
    public var averaging: PosteriorAveraging
    /// What becomes of latents that stand for no factor.
    public var others = Others.shared
    var pairs = PairConvention()

    init(from section: inout ConfigurationSection, _ averagings: [PosteriorAveraging]) throws {
      beta = try section.schedule("beta", default: beta, in: .atLeast(0))
      averaging = try section.averaging(among: averagings)
      others = try section.choice("other_latents", default: others)
      pairs = try section.section("pairs")
    }
  }

  /// GVAE: means of means and variances.
  public struct GVAE: ObjectiveConfiguration {
    /// The settings.
    public var settings: Settings
    /// Reads `beta`, `other_latents` and the section `pairs`.
    public init(from section: inout ConfigurationSection) throws {
      settings = try Settings(from: &section, [.means])
    }
    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective { GroupVAE(settings: settings) }
  }

  /// ML-VAE: means weighted by precision.
  public struct MLVAE: ObjectiveConfiguration {
    /// The settings.
    public var settings: Settings
    /// Reads `beta`, `variance`, `other_latents` and the section `pairs`.
    public init(from section: inout ConfigurationSection) throws {
      settings = try Settings(from: &section, [.product, .harmonic])
    }
    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective { GroupVAE(settings: settings) }
  }

  let settings: Settings

  /// Pairs.
  public var batch: BatchRequest { BatchRequest(pairs: settings.pairs.request) }

  /// The loss of the pairs.
  ///
  /// - Throws: `StructuredError` if there are more factors than latents.
  public func loss(of step: TrainingStep) throws -> LossTerms {
    guard let pairs = step.pairs else { preconditionFailure("the batch holds what was asked for") }
    let mask = try Self.mask(pairs, latents: step.posterior.mean.shape[1], settings.others)
    return pairLoss(
      of: step, pairs, averaging: settings.averaging, beta: settings.beta.value(at: step.number)
    ) { _, _ in Tensor(mask, step.posterior.mean.shape, on: step.pass.device) }
  }

  /// 1 where a pair shares a latent, 0 elsewhere, `[B, D]` in row-major order.
  package static func mask(_ pairs: PairedImages, latents: Int, _ others: Others) throws -> [Float] {
    let varying = pairs.varying
    guard varying.count <= latents else {
      throw StructuredError(
        "there are \(varying.count) factors and \(latents) latents", at: "model.latents",
        expected: "a latent for each factor", action: "Choose more with --set model.latents=\(varying.count).")
    }
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
