import StrictConfiguration

/// β-VAE: a VAE that pays β for each nat of rate.
///
///     L = E[−log p(x|z)] + β·KL(q(z|x) ‖ p(z))
///
/// Higgins et al. 2017 (ICLR), Eq. 4 with the sign turned. On the rate–distortion plane β is the Lagrange multiplier of
/// the rate: training ends where the curve has slope −β (Alemi et al. 2018).
public struct BetaVAE: Objective {
  /// Settings.
  public struct Configuration: ObjectiveConfiguration {
    /// Weight of the rate; 1 gives the VAE.
    public var beta: Schedule = 4

    /// Reads `beta`.
    public init(from section: inout ConfigurationSection) throws {
      beta = try section.schedule("beta", default: beta, in: .atLeast(0))
    }

    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective { BetaVAE(configuration: self) }
  }

  let configuration: Configuration

  /// E[−log p(x|z)] + β·KL.
  public func loss(of step: TrainingStep) -> LossTerms {
    LossTerms(
      .reconstruction(step.meanDistortion),
      .rate(step.posterior.rate, weight: configuration.beta.value(at: step.number)))
  }
}
