import Autodiff
import Diagnostics
import NeuralLayers
import TensorCore

/// A pair of networks, q(z|x) and p(x|z), for a given image and latent size.
public struct Networks {
  /// q(z|x).
  public let encoder: Encoder
  /// p(x|z).
  public let decoder: Decoder

  /// Puts two networks together.
  public init(encoder: Encoder, decoder: Decoder) { (self.encoder, self.decoder) = (encoder, decoder) }
}

/// An entry of the architecture registry.
public struct Architecture: RegistryEntry {
  /// What a configuration calls it.
  public let name: String
  /// One line about it.
  public let summary: String
  /// Where it was published.
  public let paper: String
  /// Builds its networks; parameters named `encoder.…` and `decoder.…` go into the store.
  ///
  /// It throws a `StructuredError` if two layers do not fit.
  public let build: @Sendable (_ image: ImageShape, _ latents: Int, _ store: ParameterStore) throws -> Networks
  /// What it needs an image to be, and whether one is that.
  public let requirement: @Sendable (_ image: ImageShape) -> String?

  /// Describes an architecture.
  ///
  /// - Parameters:
  ///   - name: what a configuration calls it.
  ///   - summary: one line about it.
  ///   - paper: where it was published.
  ///   - requirement: nil if it can be built for an image, else what it would need, "images of 16 to 256 pixels a side".
  ///   - build: builds its networks.
  public init(
    name: String, summary: String, paper: String,
    requirement: @escaping @Sendable (_ image: ImageShape) -> String? = { _ in nil },
    build: @escaping @Sendable (_ image: ImageShape, _ latents: Int, _ store: ParameterStore) throws -> Networks
  ) {
    (self.name, self.summary, self.paper, self.requirement, self.build) = (name, summary, paper, requirement, build)
  }

  /// What the convolutional architectures need of an image.
  static let needs16To256: @Sendable (ImageShape) -> String? = { image in
    let sides = 16...256
    return sides.contains(image.height) && sides.contains(image.width) ? nil : "images of 16 to 256 pixels a side"
  }
}

extension ImageShape {
  /// Height and width with each raised to the next power of two, so that strided layers halve them evenly.
  var paddedToPowersOfTwo: ImageShape {
    func raised(_ side: Int) -> Int {
      var power = 1
      while power < side { power *= 2 }
      return power
    }
    return ImageShape(height: raised(height), width: raised(width), channels: channels)
  }
}

extension Registry<Architecture> {
  /// The architectures of this package.
  public static let standard = Registry(
    "an architecture",
    [
      .burgess, .locatello, .fullyConnected, .convolutionalBatchNorm, .spatialBroadcast, .spatialBroadcastLocatello,
      .residual,
    ])
}
