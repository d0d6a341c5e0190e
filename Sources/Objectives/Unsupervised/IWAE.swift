import Autodiff
import Diagnostics
import Foundation
import NeuralLayers
import StrictConfiguration
import TensorCore

/// IWAE: the importance-weighted bound of log p(x) from k codes an image.
///
///     L = −E[log (1/k)·Σ_i w_i],   w_i = p(x|z_i)·p(z_i)/q(z_i|x),   z_1 … z_k ~ q(z|x)
///
/// Burda, Grosse & Salakhutdinov 2016 (arXiv:1509.00519); the gradient is Σ_i w̃_i·∇log w_i with
/// w̃ = w/Σ w. With k = 1 it is the VAE's loss with the rate sampled. A step decodes k images for each one of the batch, and
/// not by the fast way, because the images of a step have different weights.
public struct IWAE: Objective {
  /// Settings.
  public struct Configuration: ObjectiveConfiguration {
    /// k.
    public var samples = 5

    /// Reads `samples`.
    public init(from section: inout ConfigurationSection) throws {
      samples = try section.integer("samples", default: samples, in: .atLeast(1))
    }

    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective { IWAE(configuration: self) }

    /// The images of a batch, k times each, and what is decoded for them.
    public func memory(for step: StepSize) -> [MemoryRequirement] {
      [
        MemoryRequirement(
          "\(samples) decoded images for each of a batch of \(step.batchSize)",
          bytes: saturatingProduct(
            3, saturatingProduct(samples, step.batchSize, step.image.count), MemoryLayout<Float>.stride),
          at: "objective.samples", action: "Choose fewer samples, or a smaller batch.")
      ]
    }
  }

  let configuration: Configuration

  /// The negative bound. The mean distortion, and the rate in closed form, are logged too.
  public func loss(of step: TrainingStep) -> LossTerms {
    let samples = configuration.samples, posterior = step.posterior
    let codes = samples == 1 ? step.codes : step.sample(posterior, count: samples)
    let distortions = step.distortions(of: step.images, from: codes)
    let logWeights = Self.logWeights(distortions, of: codes, under: posterior, samples: samples)
    return LossTerms(
      LossTerm("negative_importance_weighted_bound", -Self.bound(logWeights)),
      .reconstruction(distortions.mean(), weight: 0),
      .rate(posterior.rate, weight: 0))
  }

  /// log w_i of codes `[B·k, D]`, `[B, k]` in nats.
  package static func logWeights(
    _ distortions: Variable<Float>, of codes: Variable<Float>, under posterior: DiagonalGaussian, samples: Int
  ) -> Variable<Float> {
    let shape = posterior.mean.shape, batch = shape[0], latents = shape[1]
    let single: Shape = [batch, 1, latents]
    let grouped = codes.reshaped([batch, samples, latents])
    // log p(z) − log q(z|x): the constants cancel.
    let squares =
      (grouped - posterior.mean.reshaped(single)).squared() * (-posterior.logVariance).exp().reshaped(single)
    let ratio = ((squares + posterior.logVariance.reshaped(single) - grouped.squared()) * 0.5)
      .sum(axis: 2, keepingAxis: false)
    return ratio - distortions.reshaped([batch, samples])
  }

  /// The mean over the batch of log (1/k)·Σ_i w_i in nats, for log w `[B, k]`.
  package static func bound(_ logWeights: Variable<Float>) -> Variable<Float> {
    logWeights.logSumExp(axis: 1, keepingAxis: false).mean() - log(Float(logWeights.shape[1]))
  }
}
