import Autodiff
import TensorCore

/// q(z|x): convolutions (possibly none), fully connected layers, and one or two heads for mean and log-variance.
public struct Encoder {
  let stack: ConvolutionStack?
  let layers: [Dense]
  let heads: [Dense]
  /// D.
  public let latents: Int

  /// Puts an encoder together.
  ///
  /// - Parameters:
  ///   - stack: the convolutions, if any.
  ///   - layers: fully connected layers after them.
  ///   - heads: one layer with 2·D outputs, means first, or one for the means and one for the log-variances.
  ///   - latents: D.
  public init(stack: ConvolutionStack?, layers: [Dense], heads: [Dense], latents: Int) {
    precondition(heads.count == 1 || heads.count == 2, "an encoder has one head or two")
    (self.stack, self.layers, self.heads, self.latents) = (stack, layers, heads, latents)
  }

  /// Whether its convolutions run through the fused kernels.
  public var isFused: Bool { stack?.isFused ?? false }

  /// The posterior of images `[B, height, width, channels]`.
  public func callAsFunction(_ images: Tensor<Float>, _ pass: Pass) -> DiagonalGaussian {
    let batch = images.shape[0]
    var x = Variable(images)
    if let stack { x = stack(x, pass) }
    x = x.reshaped([batch, x.shape.count / batch])
    for layer in layers { x = layer(x, pass) }
    if heads.count == 2 { return DiagonalGaussian(mean: heads[0](x, pass), logVariance: heads[1](x, pass)) }
    let both = heads[0](x, pass)
    return DiagonalGaussian(mean: both.columns(0..<latents), logVariance: both.columns(latents..<2 * latents))
  }
}

/// p(x|z): fully connected layers, and transposed convolutions (possibly none).
public struct Decoder {
  let layers: [Dense]
  let stack: ConvolutionStack?
  /// What comes out.
  public let image: ImageShape

  /// Puts a decoder together.
  ///
  /// - Parameters:
  ///   - layers: fully connected layers.
  ///   - stack: the transposed convolutions after them, if any.
  ///   - image: the images that come out.
  public init(layers: [Dense], stack: ConvolutionStack?, image: ImageShape) {
    (self.layers, self.stack, self.image) = (layers, stack, image)
  }

  /// Whether its convolutions run through the fused kernels.
  public var isFused: Bool { stack?.isFused ?? false }

  private func trunk(_ codes: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    let x = layers.reduce(codes) { x, layer in layer(x, pass) }
    return x.reshaped((stack?.input ?? image).batch(codes.shape[0]))
  }

  /// The parameters of p(x|z), `[B, height, width, channels]`, for codes `[B, D]`: what they mean is the likelihood's.
  public func callAsFunction(_ codes: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    let x = trunk(codes, pass)
    return stack?(x, pass) ?? x
  }

  /// −log p(x|z) for each image, `[B]`, in nats.
  ///
  /// - Parameters:
  ///   - images: x, `[B, height, width, channels]`.
  ///   - codes: z, `[B, D]`.
  ///   - likelihood: what the decoder's output means.
  ///   - pass: the evaluation this is part of.
  public func distortions(
    of images: Tensor<Float>, from codes: Variable<Float>, _ likelihood: Likelihood, _ pass: Pass
  ) -> Variable<Float> {
    let x = trunk(codes, pass)
    if let stack { return stack.distortions(of: images, from: x, likelihood, pass) }
    return likelihood.distortions(output: x, target: images)
  }

  /// The mean of −log p(x|z) over the batch, a scalar in nats.
  ///
  /// This is the fast way to train: every image has the weight 1/B, so the backward pass may run inside the forward
  /// pass, image by image in cache. Parameters as in ``distortions(of:from:_:_:)``.
  public func meanDistortion(
    of images: Tensor<Float>, from codes: Variable<Float>, _ likelihood: Likelihood, _ pass: Pass
  ) -> Variable<Float> {
    let x = trunk(codes, pass)
    if let stack { return stack.meanDistortion(of: images, from: x, likelihood, pass) }
    return likelihood.distortions(output: x, target: images).mean()
  }
}
