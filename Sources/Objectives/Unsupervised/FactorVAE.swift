import Autodiff
import Diagnostics
import StrictConfiguration
import TensorCore

/// FactorVAE: a VAE that pays for total correlation as a discriminator sees it.
///
///     L = E[−log p(x|z)] + KL(q(z|x) ‖ p(z)) + γ·E[D₀(z) − D₁(z)]
///
/// Kim & Mnih 2018 (arXiv:1802.05983), Eqs. 2 and 3 and algorithm 2. D₀ and D₁ are the discriminator's logits for "z is
/// from q(z)" and "z is from Π_d q(z_d)": their difference estimates log q(z) − Σ_d log q(z_d).
public struct FactorVAE: Objective {
  /// Settings.
  public struct Configuration: ObjectiveConfiguration {
    /// Weight of the total correlation; 0 gives the VAE.
    public var gamma: Schedule = 35
    /// The discriminator.
    public var discriminator = Discriminator.Configuration()

    /// Reads `gamma` and the section `discriminator`.
    public init(from section: inout ConfigurationSection) throws {
      gamma = try section.schedule("gamma", default: gamma, in: .atLeast(0))
      discriminator = try section.section("discriminator")
    }

    /// The objective, with a discriminator drawn from the context's random stream.
    public func objective(in context: ObjectiveContext) -> any Objective {
      FactorVAE(configuration: self, discriminator: Discriminator(discriminator, context))
    }

    /// The discriminator's parameters with their gradients and moments, and what it computes of two batches.
    public func memory(for step: StepSize) -> [MemoryRequirement] { discriminator.memory(for: step) }
  }

  let configuration: Configuration
  let discriminator: Discriminator

  /// Permuting needs two codes.
  public var minimumBatchSize: Int { 2 }
  /// The discriminator.
  public var adversary: (any Adversary)? { discriminator }

  /// E[−log p(x|z)] + KL + γ·TC. The discriminator is a constant in it; its own loss follows once the model is updated,
  /// from the evaluation of this step's codes and the permuted codes of a second batch.
  public func loss(of step: TrainingStep) -> LossTerms {
    let evaluation = discriminator.evaluate(step.codes.value, step.pass)
    let ratio = discriminator.logDensityRatio(evaluation, of: step.codes, step.pass)
    return LossTerms(
      .reconstruction(step.meanDistortion),
      .rate(step.posterior.rate),
      .totalCorrelation(ratio.mean(), weight: configuration.gamma.value(at: step.number), "discriminator")
    ).trainingAdversary { [discriminator] second in
      let permuted = discriminator.permuteLatents(second.codes, second.stream)
      return discriminator.loss(evaluation, permuted: permuted, second.pass)
    }
  }
}
