import Autodiff
import Diagnostics
import TensorCore

/// q(z|x): a network, and one or two linear heads for mean and log-variance.
public struct Encoder {
  /// Everything before the heads.
  public let network: Network
  /// One layer with 2·D outputs, means first, or one for the means and one for the log-variances.
  public let heads: [Dense]
  /// D.
  public let latents: Int

  /// Puts an encoder together.
  ///
  /// - Parameters:
  ///   - network: everything before the heads.
  ///   - heads: one layer with 2·D outputs, means first, or one for the means and one for the log-variances.
  ///   - latents: D.
  /// - Throws: `StructuredError` if the heads do not fit the network or the number of latents.
  public init(_ network: Network, heads: [Dense], latents: Int) throws {
    let outputs = heads.map(\.output)
    guard outputs == [.vector(2 * latents)] || outputs == [.vector(latents), .vector(latents)] else {
      throw StructuredError(
        "the heads of \(network.name) give \(outputs.isEmpty ? "nothing" : outputs.map(\.description).joined(separator: " and "))",
        expected: "\(2 * latents) values of one head, or \(latents) of each of two")
    }
    for head in heads where head.input != network.output {
      throw StructuredError(
        "\(head.name) does not fit \(network.name), which gives \(network.output)", expected: "\(head.input)")
    }
    (self.network, self.heads, self.latents) = (network, heads, latents)
  }

  /// Whether its convolutions run through the fused kernels.
  public var isFused: Bool { network.isFused }

  /// The posterior of images `[B, height, width, channels]`.
  public func callAsFunction(_ images: Tensor<Float>, _ pass: Pass) -> DiagonalGaussian {
    let x = network(Variable(images), pass)
    if heads.count == 2 { return DiagonalGaussian(mean: heads[0](x, pass), logVariance: heads[1](x, pass)) }
    let both = heads[0](x, pass)
    return DiagonalGaussian(mean: both.columns(0..<latents), logVariance: both.columns(latents..<2 * latents))
  }
}

/// p(x|z): a network from codes to images.
public struct Decoder {
  /// The network.
  public let network: Network
  /// What comes out.
  public let image: ImageShape

  /// Puts a decoder together.
  ///
  /// - Parameters:
  ///   - network: a network from codes.
  ///   - image: the images that come out.
  /// - Throws: `StructuredError` if the network does not map codes to these images.
  public init(_ network: Network, image: ImageShape) throws {
    guard case .vector = network.input else {
      throw StructuredError("\(network.name) takes images of \(network.input)", expected: "a vector, the codes")
    }
    guard network.output == .image(image) else {
      throw StructuredError("\(network.name) gives \(network.output)", expected: "images of \(image)")
    }
    (self.network, self.image) = (network, image)
  }

  /// Whether its convolutions run through the fused kernels.
  public var isFused: Bool { network.isFused }

  /// The parameters of p(x|z), `[B, height, width, channels]`, for codes `[B, D]`: what they mean is the likelihood's.
  public func callAsFunction(_ codes: Variable<Float>, _ pass: Pass) -> Variable<Float> { network(codes, pass) }

  /// −log p(x|z) for each image, `[B]`, in nats.
  ///
  /// - Parameters:
  ///   - images: x, `[B, height, width, channels]`.
  ///   - codes: z, `[B, D]`.
  ///   - likelihood: what the decoder's output means.
  ///   - pass: the evaluation this is part of.
  public func distortions(
    of images: Tensor<Float>, from codes: Variable<Float>, _ likelihood: Likelihood, _ pass: Pass
  ) -> Variable<Float> { network.distortions(of: images, from: codes, likelihood, pass) }

  /// The mean of −log p(x|z) over the batch, a scalar in nats.
  ///
  /// This is the fast way to train: every image has the weight 1/B, so the backward pass may run inside the forward
  /// pass, image by image in cache. Parameters as in ``distortions(of:from:_:_:)``.
  public func meanDistortion(
    of images: Tensor<Float>, from codes: Variable<Float>, _ likelihood: Likelihood, _ pass: Pass
  ) -> Variable<Float> { network.meanDistortion(of: images, from: codes, likelihood, pass) }
}

/// The linear layers that end an encoder.
public enum PosteriorHeads: Sendable, Hashable {
  /// One layer with 2·D outputs, means first: `encoder.posterior`.
  case joined
  /// One layer for the means and one for the log-variances: `encoder.mean` and `encoder.log_variance`.
  case separate
}

extension NetworkBuilder {
  /// Adds the heads and makes the encoder.
  ///
  /// - Throws: `StructuredError` if two layers do not fit.
  public func encoder(latents: Int, heads: PosteriorHeads = .joined) throws -> Encoder {
    func head(_ kind: String, _ outputs: Int) -> Dense {
      Dense("\(name).\(kind)", from: form, to: .vector(outputs), in: store)
    }
    let layers =
      switch heads {
      case .joined: [head("posterior", 2 * latents)]
      case .separate: [head("mean", latents), head("log_variance", latents)]
      }
    return try Encoder(network(), heads: layers, latents: latents)
  }

  /// Makes a decoder of images.
  ///
  /// - Throws: `StructuredError` if two layers do not fit, or something else comes out.
  public func decoder(of image: ImageShape) throws -> Decoder { try Decoder(network(), image: image) }
}
