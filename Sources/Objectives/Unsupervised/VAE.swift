import StrictConfiguration

/// The variational auto-encoder.
///
///     L = E[−log p(x|z)] + KL(q(z|x) ‖ p(z))
///
/// Kingma & Welling 2014 (arXiv:1312.6114), Eq. 3 with the sign turned. The rate may be warmed up.
public struct VAE: Objective {
  /// Settings.
  public struct Configuration: ObjectiveConfiguration {
    /// Weight of the rate; 1 except during a warm-up.
    public var rateWeight: Schedule = 1

    /// Reads `rate_weight`.
    public init(from section: inout ConfigurationSection) throws {
      rateWeight = try section.schedule("rate_weight", default: rateWeight, in: .atLeast(0))
    }

    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective { VAE(configuration: self) }
  }

  let configuration: Configuration

  /// E[−log p(x|z)] + KL.
  public func loss(of step: TrainingStep) -> LossTerms {
    LossTerms(
      .reconstruction(step.meanDistortion),
      .rate(step.posterior.rate, weight: configuration.rateWeight.value(at: step.number)))
  }
}
