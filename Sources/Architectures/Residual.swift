import NeuralLayers
import TensorCore

extension Architecture {
  /// Residual networks for images of 32 to 256 pixels: a strided convolution and three strided basic blocks, mirrored by
  /// upsampling and basic blocks.
  ///
  /// The blocks are those of He et al. 2016 (arXiv:1512.03385), figure 2: two 3 × 3 convolutions with batch normalisation,
  /// and a 1 × 1 projection where the form changes. For 64 × 64 pixels 4 × 4 × 256 features are left, from which one layer of
  /// 256 units leads to the posterior. Sides are multiples of 16.
  public static let residual = Architecture(
    name: "residual",
    summary: "residual blocks of 64, 128, 256 channels with batch normalisation, upsampling in the decoder; ReLU",
    paper: "He et al. 2016, Deep Residual Learning for Image Recognition, arXiv:1512.03385, figure 2",
    requirement: { image in
      let isMultiple = image.height % 16 == 0 && image.width % 16 == 0, sides = 32...256
      return isMultiple && sides.contains(image.height) && sides.contains(image.width)
        ? nil : "images whose sides are multiples of 16 from 32 to 256 pixels"
    }
  ) { image, latents, store in
    var network = NetworkBuilder("encoder", from: .image(image), in: store)
    try network.convolution(32, kernel: 4, stride: 2, padding: 1, hasBias: false)
    network.batchNormalization(activation: .relu)
    for channels in [64, 128, 256] { try network.basicBlock(channels, stride: 2) }
    let features = network.form
    network.dense(256, activation: .relu)
    let encoder = try network.encoder(latents: latents)

    var mirror = NetworkBuilder("decoder", from: .vector(latents), in: store)
    mirror.dense(256, activation: .relu)
    mirror.dense(to: features, activation: .relu)
    for channels in [128, 64, 32] {
      try mirror.upsampling(by: 2)
      try mirror.basicBlock(channels)
    }
    try mirror.upsampling(by: 2)
    try mirror.convolution(image.channels, kernel: 3, padding: 1)
    return Networks(encoder: encoder, decoder: try mirror.decoder(of: image))
  }
}
