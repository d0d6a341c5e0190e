import Autodiff
import Diagnostics
import StrictConfiguration
import TensorCore

/// β-TCVAE: a VAE that pays for total correlation separately.
///
///     L = E[−log p(x|z)] + α·I(x; z) + β·TC(z) + γ·Σ_d KL(q(z_d) ‖ p(z_d))
///
/// Chen et al. 2018 (arXiv:1802.04942), Eq. 4. The three densities come from the batch (`MinibatchEstimator`): a
/// training signal, not a measurement.
public struct BetaTCVAE: Objective {
  /// Settings.
  public struct Configuration: ObjectiveConfiguration {
    /// Weight of the mutual information.
    public var alpha: Schedule = 1
    /// Weight of the total correlation; 1 gives the VAE.
    public var beta: Schedule = 6
    /// Weight of the dimension-wise KL.
    public var gamma: Schedule = 1
    /// Where the densities come from.
    public var estimator = MinibatchEstimator.weighted

    /// Reads `alpha`, `beta`, `gamma` and `estimator`.
    public init(from section: inout ConfigurationSection) throws {
      alpha = try section.schedule("alpha", default: 1, in: .atLeast(0))
      beta = try section.schedule("beta", default: 6, in: .atLeast(0))
      gamma = try section.schedule("gamma", default: 1, in: .atLeast(0))
      estimator = try section.choice("estimator", default: .weighted)
    }

    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective { BetaTCVAE(configuration: self) }

    /// The log densities of each code under each posterior of the batch, `[D, B, B]`, and their gradients.
    public func memory(for step: StepSize) -> [MemoryRequirement] {
      let values = saturatingProduct(step.latents, step.batchSize, step.batchSize)
      return [
        MemoryRequirement(
          "the densities of every code under every posterior of a batch, \(step.latents) × \(step.batchSize) × "
            + "\(step.batchSize) values and their gradients,",
          bytes: saturatingProduct(2, values, MemoryLayout<Float>.stride), at: "training.batch_size",
          action: "Choose a smaller batch with --set training.batch_size=…")
      ]
    }
  }

  let configuration: Configuration

  /// The stratified weights need another element beside the own.
  public var minimumBatchSize: Int { configuration.estimator.minimumBatchSize }

  /// E[−log p(x|z)] + α·MI + β·TC + γ·dimension-wise KL.
  public func loss(of step: TrainingStep) -> LossTerms {
    let estimator = configuration.estimator
    let q = estimator.densities(of: step.codes, under: step.posterior, dataCount: step.dataCount)
    let number = step.number, name = estimator.rawValue
    return LossTerms(
      .reconstruction(step.meanDistortion),
      .mutualInformation((q.conditional - q.joint).mean(), weight: configuration.alpha.value(at: number), name),
      .totalCorrelation((q.joint - q.marginals).mean(), weight: configuration.beta.value(at: number), name),
      .dimensionWiseKL((q.marginals - step.priorDensity).mean(), weight: configuration.gamma.value(at: number), name))
  }
}
