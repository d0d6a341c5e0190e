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
    var network = NetworkBuilder("encoder", from: .image(image), in: store)
    for _ in 1...2 { network.dense(1200, activation: .relu) }
    let encoder = try network.encoder(latents: latents)

    var mirror = NetworkBuilder("decoder", from: .vector(latents), in: store)
    for _ in 1...3 { mirror.dense(1200, activation: .tanh) }
    mirror.dense(to: .image(image))
    return Networks(encoder: encoder, decoder: try mirror.decoder(of: image))
  }
}
