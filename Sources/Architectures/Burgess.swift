import NeuralLayers
import TensorCore

extension Architecture {
  /// Four convolutions of 32 channels and two layers of 256, mirrored in the decoder; all ReLU.
  ///
  /// Burgess et al. 2018 (arXiv:1804.03599), appendix A.1.
  public static let burgess = Architecture(
    name: "burgess",
    summary: "4 convolutions of 32 channels (kernel 4, stride 2), 2 layers of 256, mirrored; ReLU",
    paper: "Burgess et al. 2018, Understanding disentangling in β-VAE, arXiv:1804.03599, appendix A.1",
    requirement: needs64
  ) { image, latents, store in
    func layer(_ channels: Int, _ activation: Activation = .relu) -> ConvolutionStack.Layer {
      .init(kernel: 4, stride: 2, padding: 1, channels: channels, activation: activation)
    }
    let convolutions = ConvolutionStack(
      (1...4).map { "encoder.convolution\($0)" }, layers: Array(repeating: layer(32), count: 4), input: image,
      transposed: false, in: store)
    let features = convolutions.output
    let encoder = Encoder(
      stack: convolutions,
      layers: [
        Dense(
          "encoder.linear1", inputs: features.count, outputs: 256, activation: .relu, inputImage: features, in: store),
        Dense("encoder.linear2", inputs: 256, outputs: 256, activation: .relu, in: store),
      ],
      heads: [Dense("encoder.posterior", inputs: 256, outputs: 2 * latents, in: store)], latents: latents)
    let layers = [
      Dense("decoder.linear1", inputs: latents, outputs: 256, activation: .relu, in: store),
      Dense("decoder.linear2", inputs: 256, outputs: 256, activation: .relu, in: store),
      Dense(
        "decoder.linear3", inputs: 256, outputs: features.count, activation: .relu, outputImage: features, in: store),
    ]
    let transposed = ConvolutionStack(
      (1...4).map { "decoder.convolution\($0)" },
      layers: [layer(32), layer(32), layer(32), layer(image.channels, .identity)], input: features, transposed: true,
      in: store)
    return Networks(encoder: encoder, decoder: Decoder(layers: layers, stack: transposed, image: image))
  }
}
