import Architectures
import NeuralLayers
import TensorCore

extension Architecture {
  /// What no architecture of the registry has: an encoder that is its heads, and a decoder that ends in an ordinary convolution
  /// with padding and keeps the extents.
  public static let headsAndConvolution = Architecture(
    name: "heads and a convolution", summary: "", paper: ""
  ) { image, latents, store in
    let features = ImageShape(height: image.height, width: image.width, channels: 3)
    return Networks(
      encoder: .heads(of: image, latents: latents, in: store),
      decoder: Decoder(
        layers: [
          Dense(
            "decoder.linear", inputs: latents, outputs: features.count, activation: .tanh, outputImage: features,
            in: store)
        ],
        stack: ConvolutionStack(
          ["decoder.convolution1"],
          layers: [.init(kernel: 3, stride: 1, padding: 1, channels: image.channels, activation: .identity)],
          input: features, transposed: false, in: store), image: image))
  }
}

extension Encoder {
  /// One linear layer from the image to the posterior.
  public static func heads(of image: ImageShape, latents: Int, in store: ParameterStore) -> Encoder {
    Encoder(
      stack: nil, layers: [],
      heads: [Dense("encoder.posterior", inputs: image.count, outputs: 2 * latents, inputImage: image, in: store)],
      latents: latents)
  }
}
