import NeuralLayers
import StrictConfiguration
import TensorCore

/// Ada-GVAE and Ada-ML-VAE: VAEs trained on pairs of images of which some factors are the same, nobody says which.
///
///     δ_d = KL(q(z_d|x₁) ‖ q(z_d|x₂)),   τ = ½·(max_d δ_d + min_d δ_d)
///     q̃(z_d|x₁, x₂) = average of both posteriors where δ_d < τ, else each its own
///     L = ½·Σ_{i = 1, 2} (E[−log p(x_i|z_i)] + β·KL(q̃(z_i|x₁, x₂) ‖ p(z)))
///
/// Locatello et al. 2020 (arXiv:2002.02886), §4. The rate that is logged is that of q̃; a report measures that
/// of q(z|x), image by image.
public struct AdaptiveVAE: Objective {
  /// Settings.
  public struct Settings: Sendable {
    /// Weight of the rate.
    public var beta: Schedule = 1
    /// How posteriors are averaged.
    public var averaging: PosteriorAveraging
    /// What is compared with the threshold.
    public var distance = PosteriorDistance.forward
    var pairs = PairConvention()

    /// Reads `beta`, `distance` and the section `pairs`; with more than one way of averaging also `variance`.
    init(from section: inout ConfigurationSection, _ averagings: [PosteriorAveraging]) throws {
      beta = try section.schedule("beta", default: beta, in: .atLeast(0))
      averaging = try section.averaging(among: averagings)
      distance = try section.choice("distance", default: distance)
      pairs = try section.section("pairs")
    }
  }

  /// Ada-GVAE: means of means and variances.
  public struct GVAE: ObjectiveConfiguration {
    /// The settings.
    public var settings: Settings
    /// Reads `beta`, `distance` and the section `pairs`.
    public init(from section: inout ConfigurationSection) throws {
      settings = try Settings(from: &section, [.means])
    }
    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective { AdaptiveVAE(settings: settings) }
  }

  /// Ada-ML-VAE: means weighted by precision.
  public struct MLVAE: ObjectiveConfiguration {
    /// The settings.
    public var settings: Settings
    /// Reads `beta`, `variance`, `distance` and the section `pairs`.
    public init(from section: inout ConfigurationSection) throws {
      settings = try Settings(from: &section, [.harmonic, .product])
    }
    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective { AdaptiveVAE(settings: settings) }
  }

  let settings: Settings

  /// Pairs.
  public var batch: BatchRequest { BatchRequest(pairs: settings.pairs.request) }

  /// The loss of the pairs.
  public func loss(of step: TrainingStep) -> LossTerms {
    guard let pairs = step.pairs else { preconditionFailure("the batch holds what was asked for") }
    return pairLoss(
      of: step, pairs, averaging: settings.averaging, beta: settings.beta.value(at: step.number),
      shared: settings.distance.shared)
  }
}

extension ConfigurationSection {
  /// Reads `variance`, where there is a choice.
  mutating func averaging(among averagings: [PosteriorAveraging]) throws -> PosteriorAveraging {
    if averagings.count == 1 { return averagings[0] }
    let name = try choice("variance", among: averagings.map(\.rawValue), default: averagings[0].rawValue)
    return averagings.first { $0.rawValue == name } ?? averagings[0]
  }
}
