import Diagnostics
import NeuralLayers
import StrictConfiguration
import TensorCore

/// What an objective with parameters of its own is built from.
public struct ObjectiveContext {
  /// D.
  public let latents: Int
  /// Where parameters live.
  public let device: Device
  /// How parameters begin.
  public let initializer: Initializer
  /// Where their initial values come from.
  public let stream: RandomStream

  /// Describes the surroundings of an objective.
  public init(latents: Int, device: Device, initializer: Initializer, stream: RandomStream) {
    (self.latents, self.device, self.initializer, self.stream) = (latents, device, initializer, stream)
  }
}

/// An objective's settings, read from the configuration's section `objective` after its name.
public protocol ObjectiveConfiguration: StrictlyDecodable, Sendable {
  /// Builds the objective.
  func objective(in context: ObjectiveContext) -> any Objective

  /// What the objective takes of memory beyond the model, asked for before it is built; by default nothing.
  ///
  /// An objective whose parameters or whose loss can be large by its settings says so here, as lower bounds with the keys
  /// that they follow from: then a setting that cannot work is an error, not a crash. A key of the objective itself is
  /// `objective.KEY`.
  func memory(for step: StepSize) -> [MemoryRequirement]
}

extension ObjectiveConfiguration {
  /// Nothing.
  public func memory(for step: StepSize) -> [MemoryRequirement] { [] }
}

/// The sizes of a training step, which the memory that an objective takes follows from.
public struct StepSize: Sendable {
  /// B.
  public let batchSize: Int
  /// D.
  public let latents: Int
  /// The height, width and channels of images.
  public let image: ImageShape

  /// Groups the sizes.
  public init(batchSize: Int, latents: Int, image: ImageShape) {
    (self.batchSize, self.latents, self.image) = (batchSize, latents, image)
  }
}

/// An entry of the objective registry.
public struct ObjectiveEntry: RegistryEntry {
  /// What a configuration calls it.
  public let name: String
  /// One line about it.
  public let summary: String
  /// Its equation, as printed before training.
  public let equation: String
  /// Where it was published.
  public let paper: String
  /// Its settings.
  public let configuration: any ObjectiveConfiguration.Type

  /// Describes an objective.
  public init(
    name: String, summary: String, equation: String, paper: String, configuration: any ObjectiveConfiguration.Type
  ) {
    (self.name, self.summary, self.equation, self.paper) = (name, summary, equation, paper)
    self.configuration = configuration
  }
}

extension Registry<ObjectiveEntry> {
  /// The objectives of this package.
  public static let standard = Registry(
    "an objective",
    [
      ObjectiveEntry(
        name: "vae", summary: "variational auto-encoder",
        equation: "L = E[−log p(x|z)] + KL(q(z|x) ‖ p(z))",
        paper: "Kingma & Welling 2014, Auto-Encoding Variational Bayes, arXiv:1312.6114, Eq. 3",
        configuration: VAE.Configuration.self),
      ObjectiveEntry(
        name: "beta-vae", summary: "VAE with the rate weighted by β",
        equation: "L = E[−log p(x|z)] + β·KL(q(z|x) ‖ p(z))",
        paper: "Higgins et al. 2017, β-VAE, ICLR, Eq. 4",
        configuration: BetaVAE.Configuration.self),
      ObjectiveEntry(
        name: "beta-tcvae", summary: "mutual information, total correlation and dimension-wise KL weighted apart",
        equation: "L = E[−log p(x|z)] + α·I(x;z) + β·TC(z) + γ·Σ_d KL(q(z_d) ‖ p(z_d))",
        paper: "Chen et al. 2018, Isolating Sources of Disentanglement in VAEs, arXiv:1802.04942, Eq. 4",
        configuration: BetaTCVAE.Configuration.self),
      ObjectiveEntry(
        name: "factor-vae", summary: "VAE that pays for total correlation as a discriminator estimates it",
        equation: "L = E[−log p(x|z)] + KL(q(z|x) ‖ p(z)) + γ·E[D₀(z) − D₁(z)]",
        paper: "Kim & Mnih 2018, Disentangling by Factorising, arXiv:1802.05983, Eqs. 2 and 3",
        configuration: FactorVAE.Configuration.self),
    ])
}
