import Autodiff
import Diagnostics
import Foundation
import NeuralLayers
import StrictConfiguration
import TensorCore

/// σ-VAE: a VAE with a Gaussian likelihood whose standard deviation σ, one for all pixels, is calibrated in training.
///
///     L = E[Σ ½((x − m(z))/σ)² + log σ + ½·log 2π] + β·KL(q(z|x) ‖ p(z))
///
///     learned:  σ is a parameter, log σ = −6 + softplus(s + 6)
///     optimal:  σ² = mean over batch and pixels of (x − m(z))², which minimises L
///
/// Rybkin, Daniilidis & Levine 2021 (arXiv:2006.13202). The soft bound keeps σ above
/// e⁻⁶; `bounded: false` leaves it out. The model's likelihood must be `gaussian`; the standard deviation there is replaced
/// by σ in reports and exported networks: the learned one, or the moving average over batches of the optimal one.
public final class SigmaVAE: Objective {
  /// Where σ comes from.
  public enum Sigma: String, CaseIterable, Sendable {
    /// A parameter.
    case learned
    /// The batch's mean squared error.
    case optimal
  }

  /// Settings.
  public struct Configuration: ObjectiveConfiguration {
    /// Where σ comes from.
    public var sigma = Sigma.optimal
    /// Whether σ stays above e⁻⁶ by the soft bound.
    public var isBounded = true
    /// Weight of the rate.
    public var beta: Schedule = 1

    /// Reads `sigma`, `bounded` and `beta`.
    public init(from section: inout ConfigurationSection) throws {
      sigma = try section.choice("sigma", default: sigma)
      isBounded = try section.boolean("bounded", default: isBounded)
      beta = try section.schedule("beta", default: beta, in: .atLeast(0))
    }

    /// The objective; a learned σ begins at 1.
    public func objective(in context: ObjectiveContext) -> any Objective { SigmaVAE(self, on: context.device) }
  }

  private let configuration: Configuration
  private let parameter: Parameter?
  /// The moving average of the batches' mean squared errors; nil before the first step.
  private var meanSquare: Double?

  init(_ configuration: Configuration, on device: Device) {
    self.configuration = configuration
    parameter = configuration.sigma == .learned ? ParameterStore(on: device).add("log_sigma", [1]) : nil
  }

  /// s, if σ is learned.
  public var parameters: ParameterStore? { parameter?.store }

  /// Only a Gaussian has a standard deviation.
  public func check(_ likelihood: Likelihood) throws {
    if case .gaussian = likelihood { return }
    throw StructuredError(
      "sigma-vae calibrates the standard deviation of a Gaussian, and the likelihood is \(likelihood.name)",
      at: "model.likelihood", expected: "gaussian", action: "Choose it with --set model.likelihood=gaussian.")
  }

  /// The Gaussian with the present σ.
  public var likelihood: Likelihood? {
    let logSigma = parameter.map { Double($0.value.elements[0]) } ?? meanSquare.map { 0.5 * log($0) }
    return logSigma.map { logSigma in
      .gaussian(standardDeviation: Float(exp(configuration.isBounded ? log1p(exp(logSigma + 6)) - 6 : logSigma)))
    }
  }

  /// log σ with the soft bound, if there is one.
  private func bounded(_ logSigma: Variable<Float>) -> Variable<Float> {
    configuration.isBounded ? (logSigma + 6).softplus() - 6 : logSigma
  }

  /// The distortion with σ, and β·KL.
  public func loss(of step: TrainingStep) -> LossTerms {
    let result = distortion(of: step.images, output: step.decode(step.codes), step.pass)
    return LossTerms(
      .reconstruction(result.distortion),
      .rate(step.posterior.rate, weight: configuration.beta.value(at: step.number)),
      observations: [("sigma", result.sigma), (Self.errorName, result.meanSquare)])
  }

  private static let errorName = "mean_squared_error"

  /// The mean over images `[B, …]` of −log N(x; m, σ²) in nats, with σ and the mean squared error.
  package func distortion(
    of images: Tensor<Float>, output: Variable<Float>, _ pass: Pass
  ) -> (distortion: Variable<Float>, sigma: Double, meanSquare: Double) {
    let batch = images.shape[0], pixels = images.count / batch
    let meanSquare = (output.reshaped([batch, pixels]) - Variable(images.reshaped([batch, pixels]))).squared().mean()
    let logSigma = bounded(parameter.map { pass($0).sum() } ?? meanSquare.log() * 0.5)
    let nats = meanSquare * (logSigma * -2).exp() * 0.5 + logSigma + Float(0.5 * log(2 * Double.pi))
    return (nats * Float(pixels), exp(Double(logSigma.scalar)), Double(meanSquare.scalar))
  }

  /// Averages the mean squared error.
  public func update(after step: TrainingStep, _ loss: LossTerms) {
    guard parameter == nil, let error = loss.observations.first(where: { $0.name == Self.errorName })?.value else {
      return
    }
    meanSquare = meanSquare.map { 0.99 * $0 + 0.01 * error } ?? error
  }

  /// The moving average.
  public var state: [String: [Double]] { meanSquare.map { [Self.errorName: [$0]] } ?? [:] }

  /// Takes the moving average back.
  public func restore(state: [String: [Double]]) throws {
    meanSquare = state.isEmpty ? nil : try ScalarState(state, [Self.errorName]).values[0]
  }
}
