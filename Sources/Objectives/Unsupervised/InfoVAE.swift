import Autodiff
import Diagnostics
import NeuralLayers
import StrictConfiguration
import TensorCore

/// InfoVAE: a VAE with a lighter rate, and the divergence of the aggregate posterior from the prior on top. With α = 1 it is
/// the MMD-VAE.
///
///     L = E[−log p(x|z)] + (1 − α)·KL(q(z|x) ‖ p(z)) + (α + λ − 1)·MMD²(q(z), p(z))
///
/// Zhao et al. 2017 (arXiv:1706.02262), with the sign turned, and the maximum mean discrepancy for the divergence.
public struct InfoVAE: Objective {
  /// Settings.
  public struct Configuration: ObjectiveConfiguration {
    /// α: the weight of the mutual information, so that 1 − α is that of the rate.
    public var alpha = 0.0
    /// λ: the weight of the divergence of the aggregate posterior.
    public var lambda = 1000.0
    /// How the divergence is estimated.
    public var discrepancy = MaximumMeanDiscrepancy()

    /// Reads `alpha`, `lambda` and the section `mmd`.
    public init(from section: inout ConfigurationSection) throws {
      alpha = try section.number("alpha", default: alpha, in: .within(0...1))
      lambda = try section.number("lambda", default: lambda, in: .atLeast(0))
      discrepancy = try section.section("mmd")
      guard alpha + lambda >= 1 else {
        throw section.error(
          "is \(lambda): with alpha \(alpha) the MMD would have the weight alpha + lambda − 1, which is negative",
          at: "lambda", expected: "at least \(1 - alpha)")
      }
    }

    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective { InfoVAE(configuration: self) }

    /// The kernel's values for all pairs of codes, `[B, B]`, of three kinds, for each scale with their gradients.
    public func memory(for step: StepSize) -> [MemoryRequirement] {
      [
        MemoryRequirement(
          "the kernel of all pairs of codes, \(step.batchSize) × \(step.batchSize) values for each of "
            + "\(discrepancy.scales.count) scales,",
          bytes: saturatingProduct(
            6 * discrepancy.scales.count, saturatingProduct(step.batchSize, step.batchSize), MemoryLayout<Float>.stride),
          at: "training.batch_size", action: "Choose a smaller batch with --set training.batch_size=…")
      ]
    }
  }

  let configuration: Configuration

  /// Two different codes make a pair.
  public var minimumBatchSize: Int { 2 }

  /// E[−log p(x|z)] + (1 − α)·KL + (α + λ − 1)·MMD², with new samples of the prior.
  public func loss(of step: TrainingStep) -> LossTerms {
    var stream = step.stream.split("prior")
    return loss(of: step, prior: stream.normalTensor(step.codes.shape, on: step.pass.device))
  }

  /// The same with given samples of the prior, `[B, D]`.
  package func loss(of step: TrainingStep, prior: Tensor<Float>) -> LossTerms {
    let alpha = configuration.alpha
    return LossTerms(
      .reconstruction(step.meanDistortion),
      .rate(step.posterior.rate, weight: 1 - alpha),
      LossTerm(
        "mmd", configuration.discrepancy.value(of: step.codes, and: prior), weight: alpha + configuration.lambda - 1))
  }
}
