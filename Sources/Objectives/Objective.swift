import Autodiff
import NeuralLayers
import TensorCore

/// What a VAE is trained to minimise.
///
/// An objective sees one batch as a ``ForwardPass`` and returns its loss as named terms. It needs no gradient code.
public protocol Objective {
  /// The smallest batch for which the loss is defined.
  var minimumBatchSize: Int { get }

  /// A second model with parameters of its own that is trained on the codes; nil for most objectives.
  var adversary: (any Adversary)? { get }

  /// The terms of the loss on one batch.
  func loss(of pass: ForwardPass) -> LossTerms
}

extension Objective {
  /// One image is a batch.
  public var minimumBatchSize: Int { 1 }
  /// No adversary.
  public var adversary: (any Adversary)? { nil }
}

/// A model that is trained on codes beside the VAE, as FactorVAE's discriminator.
///
/// In every step, after the VAE's update, the trainer draws a second, independent batch, encodes it, and gives the
/// adversary both batches' codes as constants: no gradient of the adversary's loss can reach the encoder.
public protocol Adversary: AnyObject {
  /// What is trained.
  var parameters: ParameterStore { get }
  /// How it is trained.
  var optimizer: OptimizerSettings { get }

  /// The adversary's loss.
  ///
  /// - Parameters:
  ///   - first: the codes of the batch the VAE was trained on, `[B, D]`.
  ///   - second: the codes of the second batch, `[B, D]`.
  ///   - stream: random numbers for this step.
  ///   - pass: an evaluation that trains ``parameters``.
  func loss(first: Tensor<Float>, second: Tensor<Float>, stream: RandomStream, _ pass: Pass) -> LossTerms

  /// What it has learnt of log q(z) − Σ_d log q(z_d) at codes `[B, D]`, `[B]` in nats; nil if it does not learn that.
  func logDensityRatio(of codes: Tensor<Float>, _ pass: Pass) -> Tensor<Float>?
}

extension Adversary {
  /// Nothing.
  public func logDensityRatio(of codes: Tensor<Float>, _ pass: Pass) -> Tensor<Float>? { nil }
}

/// Everything about one batch that an objective may ask for.
public final class ForwardPass {
  /// x, `[B, height, width, channels]`.
  public let images: Tensor<Float>
  /// q(z|x).
  public let posterior: DiagonalGaussian
  /// z ~ q(z|x), `[B, D]`.
  public let codes: Variable<Float>
  /// Updates made before this one.
  public let step: Int
  /// N, the number of images in the data set.
  public let dataCount: Int
  /// Random numbers for this step.
  public let stream: RandomStream
  /// The evaluation, for objectives with parameters of their own.
  public let pass: Pass

  private let makeMeanDistortion: (() -> Variable<Float>)?
  private let makeDistortions: () -> Variable<Float>
  private let makeOutput: () -> Variable<Float>

  /// The mean of −log p(x|z) over the batch, a scalar in nats. The fast way: the decoder's backward pass may run inside
  /// its forward pass.
  public private(set) lazy var meanDistortion = makeMeanDistortion?() ?? distortions.mean()

  /// −log p(x|z) for each image, in nats, `[B]`, for losses that weight images differently.
  public private(set) lazy var distortions = makeDistortions()

  /// The decoder's output, `[B, height, width, channels]`; asking for it runs the decoder again.
  public private(set) lazy var output = makeOutput()

  /// Describes a batch; the decoder runs when an objective asks for its result.
  public init(
    images: Tensor<Float>, posterior: DiagonalGaussian, codes: Variable<Float>, step: Int, dataCount: Int,
    stream: RandomStream, pass: Pass, meanDistortion: (() -> Variable<Float>)? = nil,
    distortions: @escaping () -> Variable<Float>, output: @escaping () -> Variable<Float>
  ) {
    (self.images, self.posterior, self.codes, self.step, self.dataCount) = (images, posterior, codes, step, dataCount)
    (self.stream, self.pass, makeMeanDistortion) = (stream, pass, meanDistortion)
    (makeDistortions, makeOutput) = (distortions, output)
  }

  /// B.
  public var batchSize: Int { codes.shape[0] }
  /// log N(z; 0, I) in nats, `[B]`.
  public var priorDensity: Variable<Float> { standardNormalLogDensity(of: codes) }
}
