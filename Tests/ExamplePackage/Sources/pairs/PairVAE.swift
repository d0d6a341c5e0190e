import Autodiff
import NeuralLayers
import Objectives
import StrictConfiguration
import TensorCore

/// A VAE of pairs of images that differ in one factor: the posterior means of a pair should be close.
///
///     L = E[−log p(x|z)] + KL(q(z|x) ‖ p(z)) + w·(e^{−s}·E‖μ₁ − μ₂‖² + D·s)
///
/// s is learned: at the optimum e^s is the mean squared distance in a latent (Kendall et al. 2018, arXiv:1705.07115, Eq. 7).
final class PairVAE: Objective {
  struct Configuration: ObjectiveConfiguration {
    /// w, the weight of the distance between the codes of a pair.
    var weight = 1.0

    init(from section: inout ConfigurationSection) throws {
      weight = try section.number("weight", default: 1, in: .atLeast(0))
    }

    func objective(in context: ObjectiveContext) -> any Objective { PairVAE(self, context) }
  }

  static let entry = ObjectiveEntry(
    name: "pair-vae", summary: "VAE whose codes of a pair of similar images are close",
    equation: "L = E[−log p(x|z)] + KL + w·(e^{−s}·E‖μ₁ − μ₂‖² + D·s)", paper: "an example",
    configuration: Configuration.self)

  private let configuration: Configuration
  private let store: ParameterStore
  private let logScale: Parameter

  init(_ configuration: Configuration, _ context: ObjectiveContext) {
    self.configuration = configuration
    store = ParameterStore(on: context.device)
    logScale = store.add("objective.log_scale", [1])
  }

  var batch: BatchRequest { BatchRequest(pairs: PairRequest(changedFactors: .fixed(1))) }
  var parameters: ParameterStore? { store }

  func loss(of step: TrainingStep) throws -> LossTerms {
    guard let pairs = step.pairs else { preconditionFailure("the batch holds what was asked for") }
    let first = step.posterior, second = step.encode(pairs.second)
    let distance = (first.mean - second.mean).squared().sum(axis: 1, keepingAxis: false).mean()
    let s = step.pass(logScale).sum(), latents = Float(first.mean.shape[1])
    return LossTerms(
      .reconstruction(step.meanDistortion),
      .rate(first.rate),
      LossTerm("pair_distance", (-s).exp() * distance + s * latents, weight: configuration.weight))
  }
}
