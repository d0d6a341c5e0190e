import NeuralLayers
import StrictConfiguration
import TensorCore

/// Ada-GVAE and Ada-ML-VAE: VAEs trained on pairs of images of which some factors are the same, nobody says which.
///
///     δ_d = KL(q(z_d|x₁) ‖ q(z_d|x₂)),   τ = ½·(max_d δ_d + min_d δ_d)
///     q̃(z_d|x₁, x₂) = average of both posteriors where δ_d < τ, else each its own
///     L = ½·Σ_{i = 1, 2} (E[−log p(x_i|z_i)] + β·KL(q̃(z_i|x₁, x₂) ‖ p(z)))
///
/// Locatello et al. 2020 (arXiv:2002.02886). The rate that is logged is that of q̃; a report measures that
/// of q(z|x), image by image.
public struct AdaptiveVAE: Objective, Sendable {
  let settings: PairSettings
  /// What is compared with the threshold.
  let distance: PosteriorDistance

  init(from section: inout ConfigurationSection, _ averagings: [PosteriorAveraging]) throws {
    var distance = PosteriorDistance.forward
    settings = try PairSettings(from: &section, averagings) { distance = try $0.choice("distance", default: distance) }
    self.distance = distance
  }

  /// Ada-GVAE: means of means and variances.
  public struct GVAE: ObjectiveConfiguration {
    private let objective: AdaptiveVAE
    /// Reads `beta`, `distance` and the section `pairs`.
    public init(from section: inout ConfigurationSection) throws {
      objective = try AdaptiveVAE(from: &section, [.means])
    }
    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective { objective }
  }

  /// Ada-ML-VAE: means weighted by precision.
  public struct MLVAE: ObjectiveConfiguration {
    private let objective: AdaptiveVAE
    /// Reads `beta`, `variance`, `distance` and the section `pairs`.
    public init(from section: inout ConfigurationSection) throws {
      objective = try AdaptiveVAE(from: &section, [.harmonic, .product])
    }
    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective { objective }
  }

  /// Pairs.
  public var batch: BatchRequest { settings.batch }

  /// The loss of the pairs.
  public func loss(of step: TrainingStep) -> LossTerms {
    pairLoss(of: step, settings) { _, first, second in distance.shared(first, second) }
  }
}
