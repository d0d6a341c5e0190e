import Autodiff
import StrictConfiguration

/// Capacity VAE ("AnnealedVAE"): a VAE whose rate follows a capacity C that grows during training.
///
///     L = E[−log p(x|z)] + γ·|KL(q(z|x) ‖ p(z)) − C(t)|,   C(t) = C_max·min(1, t/T)
///
/// Burgess et al. 2018 (arXiv:1804.03599). The absolute value is that of the batch's mean, as in
/// `disentanglement_lib`; `per: image` takes the mean of |KL_i − C| instead, as pythae does. Steps count from 0.
public struct CapacityVAE: Objective {
  /// What deviates from the capacity.
  public enum Deviation: String, CaseIterable, Sendable {
    /// The mean rate of the batch.
    case batch
    /// The rate of each image.
    case image
  }

  /// Settings.
  public struct Configuration: ObjectiveConfiguration {
    /// Weight of the deviation from the capacity.
    public var gamma: Schedule = 1000
    /// C in nats.
    public var capacity = Schedule.linear(from: 0, to: 25, steps: 100_000)
    /// What deviates.
    public var per = Deviation.batch

    /// Reads `gamma`, `capacity` and `per`.
    public init(from section: inout ConfigurationSection) throws {
      gamma = try section.schedule("gamma", default: gamma, in: .atLeast(0))
      capacity = try section.schedule("capacity", default: capacity, in: .atLeast(0))
      per = try section.choice("per", default: per)
    }

    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective { CapacityVAE(configuration: self) }
  }

  let configuration: Configuration

  /// E[−log p(x|z)] + γ·|KL − C|. The rate itself is logged too.
  public func loss(of step: TrainingStep) -> LossTerms {
    let capacity = configuration.capacity.value(at: step.number)
    let rate = step.posterior.rate
    let deviation: Variable<Float>
    switch configuration.per {
    case .batch: deviation = (rate - Float(capacity)).magnitude()
    case .image:
      let rates = step.posterior.divergences.sum(axis: 1, keepingAxis: false)
      deviation = (rates - Float(capacity)).magnitude().mean()
    }
    return LossTerms(
      .reconstruction(step.meanDistortion),
      .rate(rate, weight: 0),
      LossTerm("capacity_deviation", deviation, weight: configuration.gamma.value(at: step.number)),
      observations: [("capacity", capacity)])
  }
}
