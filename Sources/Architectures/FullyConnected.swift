import NeuralLayers

extension Architecture {
  /// Two ReLU layers of 1200 in the encoder, three tanh layers of 1200 in the decoder.
  ///
  /// Higgins et al. 2017 (β-VAE), table 1: their network for dSprites; disentanglement_lib's "FC" and beta-tcvae's "MLP".
  public static let fullyConnected = Architecture(
    name: "fully-connected",
    summary: "encoder 2 × 1200 ReLU, decoder 3 × 1200 tanh, for images of any size",
    paper: "Higgins et al. 2017, β-VAE, ICLR, table 1 (dSprites)"
  ) { image, latents, store in
    let encoder = Encoder(
      stack: nil,
      layers: [
        Dense("encoder.linear1", inputs: image.count, outputs: 1200, activation: .relu, inputImage: image, in: store),
        Dense("encoder.linear2", inputs: 1200, outputs: 1200, activation: .relu, in: store),
      ],
      heads: [Dense("encoder.posterior", inputs: 1200, outputs: 2 * latents, in: store)], latents: latents)
    let layers = [
      Dense("decoder.linear1", inputs: latents, outputs: 1200, activation: .tanh, in: store),
      Dense("decoder.linear2", inputs: 1200, outputs: 1200, activation: .tanh, in: store),
      Dense("decoder.linear3", inputs: 1200, outputs: 1200, activation: .tanh, in: store),
      Dense("decoder.linear4", inputs: 1200, outputs: image.count, outputImage: image, in: store),
    ]
    return Networks(encoder: encoder, decoder: Decoder(layers: layers, stack: nil, image: image))
  }
}
