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
      ObjectiveEntry(
        name: "capacity-vae", summary: "VAE whose rate follows a growing capacity C (AnnealedVAE)",
        equation: "L = E[−log p(x|z)] + γ·|KL(q(z|x) ‖ p(z)) − C(t)|",
        paper: "Burgess et al. 2018, Understanding Disentangling in β-VAE, arXiv:1804.03599",
        configuration: CapacityVAE.Configuration.self),
      ObjectiveEntry(
        name: "dip-vae", summary: "VAE whose codes are pulled towards covariance I (variants I and II)",
        equation: "L = E[−log p(x|z)] + KL(q(z|x) ‖ p(z)) + λ_od·Σ_{i≠j} C_ij² + λ_d·Σ_i (C_ii − 1)²",
        paper:
          "Kumar et al. 2018, Variational Inference of Disentangled Latent Concepts, arXiv:1711.00848",
        configuration: DIPVAE.Configuration.self),
      ObjectiveEntry(
        name: "info-vae", summary: "VAE with a lighter rate and the MMD of the aggregate posterior (MMD-VAE for α = 1)",
        equation: "L = E[−log p(x|z)] + (1 − α)·KL(q(z|x) ‖ p(z)) + (α + λ − 1)·MMD²(q(z), p(z))",
        paper: "Zhao et al. 2017, InfoVAE, arXiv:1706.02262",
        configuration: InfoVAE.Configuration.self),
      ObjectiveEntry(
        name: "constrained-vae", summary: "β-VAE whose β dual ascent finds for a rate of at most δ",
        equation: "L = E[−log p(x|z)] + β·(KL(q(z|x) ‖ p(z)) − δ),  β by dual ascent",
        paper: "Higgins et al. 2017, β-VAE, ICLR, Eq. 4 with β found",
        configuration: ConstrainedVAE.Configuration.self),
      ObjectiveEntry(
        name: "geco", summary: "the smallest rate whose distortion is at most κ, by a multiplier of the distortion",
        equation: "L = KL(q(z|x) ‖ p(z)) + λ·(E[−log p(x|z)] − κ),  λ ← λ·exp(ν·moving average)",
        paper: "Rezende & Viola 2018, Taming VAEs, arXiv:1810.00597, algorithm 1",
        configuration: GECO.Configuration.self),
      ObjectiveEntry(
        name: "control-vae", summary: "VAE whose β a PI controller sets so that the rate follows a set point",
        equation: "L = E[−log p(x|z)] + β(t)·KL(q(z|x) ‖ p(z)),  β(t) = K_p/(1 + exp e(t)) − K_i·Σ e + β_min",
        paper: "Shao et al. 2020, ControlVAE, arXiv:2004.05988, algorithm 1",
        configuration: ControlVAE.Configuration.self),
      ObjectiveEntry(
        name: "sigma-vae", summary: "VAE with a Gaussian likelihood whose σ is learned or the best of the batch",
        equation: "L = E[Σ ½((x − m(z))/σ)² + log σ + ½·log 2π] + β·KL(q(z|x) ‖ p(z))",
        paper:
          "Rybkin, Daniilidis & Levine 2021, Simple and Effective VAE Training with Calibrated Decoders, arXiv:2006.13202",
        configuration: SigmaVAE.Configuration.self),
      ObjectiveEntry(
        name: "iwae", summary: "importance-weighted bound of log p(x) from k codes an image",
        equation: "L = −E[log (1/k)·Σ_i p(x|z_i)·p(z_i)/q(z_i|x)]",
        paper: "Burda, Grosse & Salakhutdinov 2016, Importance Weighted Autoencoders, arXiv:1509.00519",
        configuration: IWAE.Configuration.self),
      ObjectiveEntry(
        name: "hfs",
        summary: "VAE whose codes are pulled towards a support that is a product (Hausdorff factorised support)",
        equation: "L = E[−log p(x|z)] + β·KL(q(z|x) ‖ p(z)) + γ·Σ_{(a,b)} max_{u ∈ Z_a×Z_b} min_{z ∈ Z} ‖u − z‖²",
        paper:
          "Roth et al. 2023, Disentanglement of Correlated Factors via Hausdorff Factorized Support, arXiv:2210.07347",
        configuration: HausdorffFactorizedSupport.Configuration.self),
      ObjectiveEntry(
        name: "qlae", summary: "auto-encoder whose latents are quantised to learned values (deterministic codes)",
        equation:
          "L = E[−log p(x|z)]/P + λ_q·E[‖stop(e) − q‖²]/D + λ_c·E[‖e − stop(q)‖²]/D,  z = nearest values q of e",
        paper: "Hsu et al. 2023, Disentanglement via Latent Quantization, arXiv:2305.18378",
        configuration: LatentQuantization.Configuration.self),
      ObjectiveEntry(
        name: "ada-gvae", summary: "VAE on pairs that share unknown factors; shared posteriors averaged by moments",
        equation: "L = ½·Σ_i (E[−log p(x_i|z_i)] + β·KL(q̃(z_i|x₁,x₂) ‖ p(z)))",
        paper: "Locatello et al. 2020, Weakly-Supervised Disentanglement Without Compromises, arXiv:2002.02886",
        configuration: AdaptiveVAE.GVAE.self),
      ObjectiveEntry(
        name: "ada-ml-vae", summary: "VAE on pairs that share unknown factors; shared posteriors weighted by precision",
        equation: "L = ½·Σ_i (E[−log p(x_i|z_i)] + β·KL(q̃(z_i|x₁,x₂) ‖ p(z)))",
        paper: "Locatello et al. 2020, Weakly-Supervised Disentanglement Without Compromises, arXiv:2002.02886",
        configuration: AdaptiveVAE.MLVAE.self),
      ObjectiveEntry(
        name: "gvae", summary: "VAE on pairs that share known factors; shared posteriors averaged by moments",
        equation: "L = ½·Σ_i (E[−log p(x_i|z_i)] + β·KL(q̃(z_i|x₁,x₂) ‖ p(z)))",
        paper: "Hosoya 2019, Group-based Learning of Disentangled Representations, arXiv:1809.02383",
        configuration: GroupVAE.GVAE.self),
      ObjectiveEntry(
        name: "ml-vae", summary: "VAE on pairs that share known factors; shared posteriors multiplied",
        equation: "L = ½·Σ_i (E[−log p(x_i|z_i)] + β·KL(q̃(z_i|x₁,x₂) ‖ p(z)))",
        paper: "Bouchacourt et al. 2018, Multi-Level Variational Autoencoder, arXiv:1705.08841",
        configuration: GroupVAE.MLVAE.self),
      ObjectiveEntry(
        name: "semi-supervised",
        summary: "any of these, with the means of a few labelled images pulled to their factors",
        equation: "L = L_base + γ·E[Σ_k R(μ_k(x), y_k)]",
        paper: "Locatello et al. 2020, Disentangling Factors of Variations Using Few Labels, arXiv:1905.01258",
        configuration: SemiSupervised.Configuration.self),
    ])
}
