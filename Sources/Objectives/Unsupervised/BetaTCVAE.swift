import Autodiff
import Diagnostics
import Foundation
import NeuralLayers
import StrictConfiguration
import TensorCore

/// β-TCVAE: a VAE that pays for total correlation separately.
///
///     L = E[−log p(x|z)] + α·I(x; z) + β·TC(z) + γ·Σ_d KL(q(z_d) ‖ p(z_d))
///
/// Chen et al. 2018 (arXiv:1802.04942), Eq. 4. The three densities come from the batch (`MinibatchEstimator`): a
/// training signal, not a measurement. An experimental third estimator takes them from the posteriors of all N images as
/// they were encoded some steps ago, with those of the batch in their place:
///
///     q(z) = 1/N (Σ_{n ∉ batch} q_cached(z|x_n) + Σ_{n ∈ batch} q(z|x_n))
///
/// It is exact up to the age of the encoding, and takes B·N densities in each step: for dSprites about twenty times the
/// time of a step.
public struct BetaTCVAE: Objective {
  /// Where the densities come from.
  public enum Estimator: String, CaseIterable, Sendable {
    /// Minibatch-weighted sampling.
    case weighted = "mws"
    /// Minibatch-stratified sampling.
    case stratified = "mss"
    /// The posteriors of all images, encoded every so many steps.
    case cached

    /// The estimator from the batch alone; nil for ``cached``.
    var minibatch: MinibatchEstimator? { MinibatchEstimator(rawValue: rawValue) }
  }

  /// Settings.
  public struct Configuration: ObjectiveConfiguration {
    /// Weight of the mutual information.
    public var alpha: Schedule = 1
    /// Weight of the total correlation; 1 gives the VAE.
    public var beta: Schedule = 6
    /// Weight of the dimension-wise KL.
    public var gamma: Schedule = 1
    /// Where the densities come from.
    public var estimator = Estimator.weighted
    /// Of ``Estimator/cached``: after how many steps all images are encoded anew.
    public var refresh = 1_000

    /// Reads `alpha`, `beta`, `gamma`, `estimator` and, for the estimator `cached`, `refresh`.
    public init(from section: inout ConfigurationSection) throws {
      alpha = try section.schedule("alpha", default: alpha, in: .atLeast(0))
      beta = try section.schedule("beta", default: beta, in: .atLeast(0))
      gamma = try section.schedule("gamma", default: gamma, in: .atLeast(0))
      estimator = try section.choice("estimator", default: estimator)
      if estimator == .cached { refresh = try section.integer("refresh", default: refresh, in: .atLeast(1)) }
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
  public var minimumBatchSize: Int { configuration.estimator.minibatch?.minimumBatchSize ?? 1 }

  /// Images, and for ``Estimator/cached`` the posteriors of all.
  public var batch: BatchRequest {
    BatchRequest(encodingInterval: configuration.estimator == .cached ? configuration.refresh : nil)
  }

  /// E[−log p(x|z)] + α·MI + β·TC + γ·dimension-wise KL.
  public func loss(of step: TrainingStep) -> LossTerms {
    let estimator = configuration.estimator
    let q =
      estimator.minibatch?.densities(of: step.codes, under: step.posterior, dataCount: step.dataCount)
      ?? Self.cachedDensities(step)
    let number = step.number, name = estimator.rawValue
    return LossTerms(
      .reconstruction(step.meanDistortion),
      .mutualInformation((q.conditional - q.joint).mean(), weight: configuration.alpha.value(at: number), name),
      .totalCorrelation((q.joint - q.marginals).mean(), weight: configuration.beta.value(at: number), name),
      .dimensionWiseKL((q.marginals - step.priorDensity).mean(), weight: configuration.gamma.value(at: number), name))
  }

  /// The densities under the posteriors of all images, those of the batch as they are now.
  package static func cachedDensities(_ step: TrainingStep) -> MinibatchEstimator.DifferentiableDensities {
    guard let cached = step.cached else { preconditionFailure("the step has no cached posteriors") }
    let codes = step.codes, d = codes.shape[1], batch = codes.shape[0]
    let rest = codes.logSums(of: cached.mixture, excluding: Set(cached.indices))
    let perDimension = codes.pairwiseGaussianLogDensity(
      mean: step.posterior.mean, logVariance: step.posterior.logVariance)
    let plain = perDimension.sum(axis: 0, keepingAxis: false)
    // An image that the batch has twice is still one of N.
    let counts = Dictionary(cached.indices.map { ($0, 1) }, uniquingKeysWith: +)
    let shares = cached.indices.map { -log(Float(counts[$0] ?? 1)) }
    let share = Variable(Tensor(shares, [1, batch], on: codes.value.device)), logCount = log(Float(step.dataCount))
    // log(eᵃ + eᵇ) = b + log(1 + e^(a − b)); the batch's own b is never far off, because a code's own posterior is in it.
    func sum(_ a: Variable<Float>, _ b: Variable<Float>) -> Variable<Float> { b + (a - b).softplus() - logCount }
    let joint = sum(rest.columns(d..<d + 1).reshaped([batch]), (plain + share).logSumExp(axis: 1, keepingAxis: false))
    let ownMarginals = (perDimension + share).logSumExp(axis: 2, keepingAxis: false).transposed()
    let marginals = sum(rest.columns(0..<d), ownMarginals).sum(axis: 1, keepingAxis: false)
    return .init(conditional: plain.diagonal(), joint: joint, marginals: marginals)
  }
}
