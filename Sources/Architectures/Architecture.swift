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
  public let build: @Sendable (_ image: ImageShape, _ latents: Int, _ store: ParameterStore) -> Networks
  /// What it needs an image to be, and whether one is that.
  public let requirement: @Sendable (_ image: ImageShape) -> String?

  /// Describes an architecture.
  ///
  /// - Parameters:
  ///   - name: what a configuration calls it.
  ///   - summary: one line about it.
  ///   - paper: where it was published.
  ///   - requirement: nil if it can be built for an image, else what it would need, "images of 64×64 pixels".
  ///   - build: builds its networks.
  public init(
    name: String, summary: String, paper: String,
    requirement: @escaping @Sendable (_ image: ImageShape) -> String? = { _ in nil },
    build: @escaping @Sendable (_ image: ImageShape, _ latents: Int, _ store: ParameterStore) -> Networks
  ) {
    (self.name, self.summary, self.paper, self.requirement, self.build) = (name, summary, paper, requirement, build)
  }

  /// What the convolutional architectures need: four layers halve 64 pixels to 4.
  static let needs64: @Sendable (ImageShape) -> String? = { image in
    image.height == 64 && image.width == 64 ? nil : "images of 64×64 pixels"
  }
}

extension Registry<Architecture> {
  /// The architectures of this package.
  public static let standard = Registry("an architecture", [.burgess, .locatello, .fullyConnected])
}
