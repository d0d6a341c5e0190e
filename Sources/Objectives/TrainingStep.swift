import Autodiff
import NeuralLayers
import TensorCore

/// The networks of a model, as an objective uses them.
public protocol StepNetworks {
  /// What the decoder's output means.
  var likelihood: Likelihood { get }
  /// q(z|x) of images `[B, height, width, channels]`.
  func encode(_ images: Tensor<Float>, _ pass: Pass) -> DiagonalGaussian
  /// The decoder's output for codes `[B, D]`, `[B, height, width, channels]`.
  func decode(_ codes: Variable<Float>, _ pass: Pass) -> Variable<Float>
  /// −log p(x|z) of each image in nats, `[B]`.
  func distortions(of images: Tensor<Float>, from codes: Variable<Float>, _ pass: Pass) -> Variable<Float>
  /// The mean of −log p(x|z) over the batch, a scalar in nats.
  func meanDistortion(of images: Tensor<Float>, from codes: Variable<Float>, _ pass: Pass) -> Variable<Float>
}

/// Pairs of images that share factors.
public struct PairedImages {
  /// The second image of each pair, `[B, height, width, channels]`; the first are the step's images.
  public let second: Tensor<Float>
  /// Whether the images of pair b share factor k, by construction, at b·K + k.
  public let shared: [Bool]
  /// K.
  public let factors: Int
  /// The factors that take more than one value, as numbers below K.
  public let varying: [Int]

  /// Groups them; by default all factors vary.
  public init(second: Tensor<Float>, shared: [Bool], factors: Int, varying: [Int]? = nil) {
    (self.second, self.shared, self.factors) = (second, shared, factors)
    self.varying = varying ?? Array(0..<factors)
  }
}

/// Images whose factor values are known.
public struct LabelledImages {
  /// The images, `[n, height, width, channels]`.
  public let images: Tensor<Float>
  /// The values of the factors, `[n, K]`, each from 0 to its factor's size less one.
  public let values: [Int32]
  /// The number of values of each factor, `[K]`.
  public let sizes: [Int]

  /// Groups them.
  public init(images: Tensor<Float>, values: [Int32], sizes: [Int]) {
    (self.images, self.values, self.sizes) = (images, values, sizes)
  }
}

/// The posteriors of all images of the data set, as they were when it was encoded last.
public struct CachedPosteriors {
  /// q(z|x_n) of all N images.
  public let mixture: CachedMixture
  /// The number n of each image of the step, `[B]`.
  public let indices: [Int]

  /// Groups them.
  public init(mixture: CachedMixture, indices: [Int]) { (self.mixture, self.indices) = (mixture, indices) }
}

/// Everything about one step of training that an objective may ask for.
///
/// The usual objective asks for ``meanDistortion`` and ``posterior``; the networks run when something asks for their result.
/// Others encode further images, change a posterior before drawing from it, draw several codes an image, or weight images
/// by their ``distortions``.
public final class TrainingStep {
  /// x, `[B, height, width, channels]`.
  public let images: Tensor<Float>
  /// The second images, if the objective asked for pairs.
  public let pairs: PairedImages?
  /// Images with known factors, if the objective asked for them.
  public let labelled: LabelledImages?
  /// The posteriors of all images, if the objective asked for them.
  public let cached: CachedPosteriors?
  /// Updates made before this one.
  public let number: Int
  /// N, the number of images in the data set.
  public let dataCount: Int
  /// Random numbers for this step.
  public let stream: RandomStream
  /// The evaluation that records the step; parameters become variables through it.
  public let pass: Pass

  private let networks: any StepNetworks
  private let noise: RandomStream
  private var draws = 0

  /// Describes a step.
  ///
  /// - Parameters:
  ///   - images: x, `[B, height, width, channels]`.
  ///   - pairs: the second images, if the objective asked for pairs.
  ///   - labelled: images with known factors, if the objective asked for them.
  ///   - cached: the posteriors of all images, if the objective asked for them.
  ///   - number: updates made before this one.
  ///   - dataCount: N.
  ///   - stream: random numbers for the objective.
  ///   - noise: random numbers for codes; the n-th draw of a step has a stream of its own.
  ///   - networks: the model's networks.
  ///   - pass: the evaluation.
  public init(
    images: Tensor<Float>, pairs: PairedImages? = nil, labelled: LabelledImages? = nil,
    cached: CachedPosteriors? = nil, number: Int, dataCount: Int, stream: RandomStream, noise: RandomStream,
    networks: any StepNetworks, pass: Pass
  ) {
    (self.images, self.pairs, self.labelled, self.cached) = (images, pairs, labelled, cached)
    (self.number, self.dataCount, self.stream, self.noise) = (number, dataCount, stream, noise)
    (self.networks, self.pass) = (networks, pass)
  }

  /// A step whose posterior and codes are given beforehand, as for comparisons with reference values.
  package convenience init(
    images: Tensor<Float>, pairs: PairedImages? = nil, labelled: LabelledImages? = nil,
    cached: CachedPosteriors? = nil, number: Int, dataCount: Int, stream: RandomStream, networks: any StepNetworks,
    pass: Pass, posterior: DiagonalGaussian, codes: Variable<Float>
  ) {
    self.init(
      images: images, pairs: pairs, labelled: labelled, cached: cached, number: number, dataCount: dataCount,
      stream: stream, noise: stream, networks: networks, pass: pass)
    self.posterior = posterior
    self.codes = codes
  }

  /// B.
  public var batchSize: Int { images.shape[0] }
  /// What the decoder's output means.
  public var likelihood: Likelihood { networks.likelihood }

  // MARK: The usual objective

  /// q(z|x) of the images.
  public private(set) lazy var posterior = encode(images)
  /// z ~ q(z|x), one code an image, `[B, D]`.
  public private(set) lazy var codes = sample(posterior)
  /// log N(z; 0, I) of ``codes`` in nats, `[B]`.
  public var priorDensity: Variable<Float> { standardNormalLogDensity(of: codes) }
  /// The mean of −log p(x|z) over images and their ``codes``, a scalar in nats. This is the fast way: every image has the
  /// weight 1/B, so the decoder's backward pass runs inside its forward pass.
  public private(set) lazy var meanDistortion = meanDistortion(of: images, from: codes)
  /// −log p(x|z) of each image at its code, in nats, `[B]`, for losses that weight images differently. It takes longer
  /// than ``meanDistortion``, because the decoder runs again for the gradient.
  public private(set) lazy var distortions = distortions(of: images, from: codes)

  // MARK: Means for other objectives

  /// q(z|x) of images `[B, height, width, channels]`.
  public func encode(_ images: Tensor<Float>) -> DiagonalGaussian {
    pass.tape.phase("encoder") { networks.encode(images, pass) }
  }

  /// Codes z = μ + σ·ε of a posterior with parameters `[B, D]`.
  ///
  /// - Parameters:
  ///   - posterior: what is drawn from.
  ///   - count: k, the number of codes an image.
  /// - Returns: `[B·k, D]`, the k codes of an image one after the other.
  public func sample(_ posterior: DiagonalGaussian, count: Int = 1) -> Variable<Float> {
    pass.tape.phase("codes") {
      // The first draw of a step has the stream that single codes have always had.
      var stream = draws == 0 ? noise : noise.split("draw", draws)
      draws += 1
      let shape = posterior.mean.shape
      if count == 1 { return posterior.sample(noise: stream.normalTensor(shape, on: pass.device)) }
      let noise = stream.normalTensor([shape[0], count, shape[1]], on: pass.device)
      let single: Shape = [shape[0], 1, shape[1]]
      let deviation = (posterior.logVariance * 0.5).exp().reshaped(single)
      return (posterior.mean.reshaped(single) + deviation * Variable(noise)).reshaped([shape[0] * count, shape[1]])
    }
  }

  /// The decoder's output for codes `[B, D]`, `[B, height, width, channels]`: what it means is the ``likelihood``'s.
  public func decode(_ codes: Variable<Float>) -> Variable<Float> { networks.decode(codes, pass) }

  /// The mean of −log p(x|z) over images `[B, …]` and codes `[B, D]` or `[B·k, D]`, a scalar in nats.
  public func meanDistortion(of images: Tensor<Float>, from codes: Variable<Float>) -> Variable<Float> {
    networks.meanDistortion(of: images.repeated(codes.shape[0] / images.shape[0]), from: codes, pass)
  }

  /// −log p(x|z) of images `[B, …]` at codes `[B, D]` or `[B·k, D]`, in nats, `[B]` or `[B·k]`.
  public func distortions(of images: Tensor<Float>, from codes: Variable<Float>) -> Variable<Float> {
    networks.distortions(of: images.repeated(codes.shape[0] / images.shape[0]), from: codes, pass)
  }
}

extension Tensor {
  /// Each row of the first axis `count` times in succession.
  fileprivate func repeated(_ count: Int) -> Tensor {
    if count == 1 { return self }
    let rows = shape[0]
    let result = Tensor(repeating: 0, Shape([rows * count] + shape.dimensions.dropFirst()), on: device)
    for row in 0..<rows {
      for copy in 0..<count {
        result.rows(row * count + copy..<row * count + copy + 1).copy(from: self.rows(row..<row + 1))
      }
    }
    return result
  }
}
