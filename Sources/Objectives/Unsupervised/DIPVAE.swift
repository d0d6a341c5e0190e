import Autodiff
import Diagnostics
import NeuralLayers
import StrictConfiguration
import TensorCore

/// DIP-VAE: a VAE whose aggregate posterior is pulled towards covariance I ("disentangled inferred prior").
///
///     L = E[−log p(x|z)] + KL(q(z|x) ‖ p(z)) + λ_od·Σ_{i≠j} C_ij² + λ_d·Σ_i (C_ii − 1)²
///
///     I:  C = Cov_x[μ(x)]                         II:  C = Cov_x[μ(x)] + E_x[diag σ²(x)] = Cov[z]
///
/// Kumar et al. 2018 (arXiv:1711.00848). The covariance is that of the batch, divided by B.
public struct DIPVAE: Objective {
  /// Which covariance is meant.
  public enum Variant: String, CaseIterable, Sendable {
    /// That of the posterior means.
    case means = "i"
    /// That of the codes.
    case codes = "ii"
  }

  /// Settings.
  public struct Configuration: ObjectiveConfiguration {
    /// Which covariance is meant.
    public var variant = Variant.codes
    /// λ_od, the weight of the squares off the diagonal.
    public var lambdaOffDiagonal: Schedule = 10
    /// λ_d, the weight of the squared deviations of the diagonal from 1.
    public var lambdaDiagonal: Schedule

    /// Reads `variant`, `lambda_od` and `lambda_d`, whose default is 10·λ_od for variant I and λ_od for variant II.
    public init(from section: inout ConfigurationSection) throws {
      variant = try section.choice("variant", default: variant)
      lambdaOffDiagonal = try section.schedule("lambda_od", default: lambdaOffDiagonal, in: .atLeast(0))
      let factor: Double = variant == .means ? 10 : 1
      lambdaDiagonal = try section.schedule("lambda_d", default: lambdaOffDiagonal.scaled(by: factor), in: .atLeast(0))
    }

    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective { DIPVAE(configuration: self) }

    /// The covariance and its gradient.
    public func memory(for step: StepSize) -> [MemoryRequirement] {
      [
        MemoryRequirement(
          "the covariance of \(step.latents) latents",
          bytes: saturatingProduct(4, step.latents, step.latents, MemoryLayout<Float>.stride), at: "model.latents",
          action: "Choose fewer latents with --set model.latents=…")
      ]
    }
  }

  let configuration: Configuration

  /// A covariance needs two images.
  public var minimumBatchSize: Int { 2 }

  /// E[−log p(x|z)] + KL + λ_od·Σ_{i≠j} C_ij² + λ_d·Σ_i (C_ii − 1)².
  public func loss(of step: TrainingStep) -> LossTerms {
    let posterior = step.posterior, latents = posterior.mean.shape[1]
    let covariance = Self.covariance(of: posterior, configuration.variant)
    let identity = Tensor<Float>.identity(latents, on: step.pass.device)
    let deviation = (covariance - Variable(identity)).squared()
    return LossTerms(
      .reconstruction(step.meanDistortion),
      .rate(posterior.rate),
      LossTerm(
        "covariance_off_diagonal", (deviation * Variable(identity.affine(scale: -1, shift: 1))).sum(),
        weight: configuration.lambdaOffDiagonal.value(at: step.number)),
      LossTerm(
        "covariance_diagonal", deviation.diagonal().sum(), weight: configuration.lambdaDiagonal.value(at: step.number)))
  }

  /// The batch's covariance of the means, or of the codes, `[D, D]`.
  static func covariance(of posterior: DiagonalGaussian, _ variant: Variant) -> Variable<Float> {
    let centred = posterior.mean - posterior.mean.mean(axis: 0)
    let ofMeans = centred.transposed().times(centred) / Float(posterior.mean.shape[0])
    switch variant {
    case .means: return ofMeans
    case .codes:
      let identity = Tensor<Float>.identity(posterior.mean.shape[1], on: posterior.mean.value.device)
      return ofMeans + Variable(identity) * posterior.logVariance.exp().mean(axis: 0)
    }
  }
}

extension Tensor<Float> {
  /// I, `[count, count]`.
  fileprivate static func identity(_ count: Int, on device: Device) -> Tensor {
    let values = (0..<count * count).map { Float($0 / count == $0 % count ? 1 : 0) }
    return Tensor(values, [count, count], on: device)
  }
}
