import Architectures
import NeuralLayers

extension Architecture {
  /// Residual blocks with batch normalisation in the encoder; nearest upsampling and convolutions in the decoder.
  static let smallResidual = Architecture(
    name: "small-residual", summary: "residual blocks with batch normalisation, and an upsampling decoder",
    paper: "an example",
    requirement: { $0.height % 8 == 0 && $0.width % 8 == 0 ? nil : "images whose sides are multiples of 8" }
  ) { image, latents, store in
    var network = NetworkBuilder("encoder", from: .image(image), in: store)
    try network.convolution(16, kernel: 4, stride: 2, padding: 1, hasBias: false)
    network.batchNormalization(activation: .relu)
    try network.basicBlock(32, stride: 2)
    try network.basicBlock(32, stride: 2)
    let features = network.form
    network.dense(64, activation: .relu)
    let encoder = try network.encoder(latents: latents)

    var mirror = NetworkBuilder("decoder", from: .vector(latents), in: store)
    mirror.dense(to: features, activation: .relu)
    for channels in [32, 16, 16] {
      try mirror.upsampling(by: 2)
      try mirror.convolution(channels, kernel: 3, padding: 1, hasBias: false)
      mirror.batchNormalization(activation: .relu)
    }
    try mirror.convolution(image.channels, kernel: 3, padding: 1)
    return Networks(encoder: encoder, decoder: try mirror.decoder(of: image))
  }
}
