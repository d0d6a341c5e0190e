import Autodiff
import NeuralLayers
import TensorCore

/// A model that is trained on codes beside the VAE, as FactorVAE's discriminator.
///
/// In a step whose ``LossTerms`` carry a loss for it (``LossTerms/trainingAdversary(_:)``), the trainer updates the model, encodes
/// a second, independent batch, and then updates the adversary. The adversary sees codes as constants: no gradient of its
/// loss reaches the encoder.
public protocol Adversary: AnyObject {
  /// What is trained.
  var parameters: ParameterStore { get }
  /// How it is trained.
  var optimizer: OptimizerSettings { get }

  /// What it has learnt of log q(z) − Σ_d log q(z_d) at codes `[B, D]`, `[B]` in nats; nil if it does not learn that.
  func logDensityRatio(of codes: Tensor<Float>, _ pass: Pass) -> Tensor<Float>?
}

extension Adversary {
  /// Nothing.
  public func logDensityRatio(of codes: Tensor<Float>, _ pass: Pass) -> Tensor<Float>? { nil }
}

/// What the loss of an ``Adversary`` is computed from, beside the codes of the step.
public struct AdversaryStep {
  /// The codes of a second, independent batch, `[B, D]`, encoded after the model's update.
  public let codes: Tensor<Float>
  /// Random numbers for this step.
  public let stream: RandomStream
  /// An evaluation that trains the adversary's parameters.
  public let pass: Pass

  /// Groups them.
  public init(codes: Tensor<Float>, stream: RandomStream, pass: Pass) {
    (self.codes, self.stream, self.pass) = (codes, stream, pass)
  }
}
