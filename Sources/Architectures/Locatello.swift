import NeuralLayers
import TensorCore

extension Architecture {
  /// disentanglement_lib's convolutional networks: 32, 32, 64, 64 channels, one layer of 256, two heads.
  ///
  /// Locatello et al. 2019 (arXiv:1811.12359), table 1 of the appendix.
  public static let locatello = Architecture(
    name: "locatello",
    summary: "convolutions of 32, 32 (kernel 4) and 64, 64 channels (kernel 2), 1 layer of 256, two heads; ReLU",
    paper: "Locatello et al. 2019, Challenging Common Assumptions …, arXiv:1811.12359, appendix (conv architecture)",
    requirement: needs64
  ) { image, latents, store in
    func layer(_ channels: Int, kernel: Int, _ activation: Activation = .relu) -> ConvolutionStack.Layer {
      .init(kernel: kernel, stride: 2, padding: kernel == 4 ? 1 : 0, channels: channels, activation: activation)
    }
    let convolutions = ConvolutionStack(
      (1...4).map { "encoder.convolution\($0)" },
      layers: [layer(32, kernel: 4), layer(32, kernel: 4), layer(64, kernel: 2), layer(64, kernel: 2)], input: image,
      transposed: false, in: store)
    let features = convolutions.output
    let encoder = Encoder(
      stack: convolutions,
      layers: [
        Dense(
          "encoder.linear1", inputs: features.count, outputs: 256, activation: .relu, inputImage: features, in: store)
      ],
      heads: [
        Dense("encoder.mean", inputs: 256, outputs: latents, in: store),
        Dense("encoder.log_variance", inputs: 256, outputs: latents, in: store),
      ], latents: latents)
    let layers = [
      Dense("decoder.linear1", inputs: latents, outputs: 256, activation: .relu, in: store),
      Dense(
        "decoder.linear2", inputs: 256, outputs: features.count, activation: .relu, outputImage: features, in: store),
    ]
    let transposed = ConvolutionStack(
      (1...4).map { "decoder.convolution\($0)" },
      layers: [
        layer(64, kernel: 4), layer(32, kernel: 4), layer(32, kernel: 4),
        layer(image.channels, kernel: 4, .identity),
      ], input: features, transposed: true, in: store)
    return Networks(encoder: encoder, decoder: Decoder(layers: layers, stack: transposed, image: image))
  }
}
