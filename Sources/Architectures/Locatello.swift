import NeuralLayers
import TensorCore

extension Architecture {
  /// disentanglement_lib's convolutional networks: 32, 32, 64, 64 channels, one layer of 256, two heads.
  ///
  /// Locatello et al. 2019 (arXiv:1811.12359), table 1 of the appendix, for images of 64 × 64 pixels. Images of other sizes
  /// have the same four strided layers. Sides that are no power of two are padded with zeros before the encoder, and the
  /// decoder's output is cropped.
  public static let locatello = Architecture(
    name: "locatello",
    summary: "convolutions of 32, 32 (kernel 4) and 64, 64 channels (kernel 2), 1 layer of 256, two heads; ReLU",
    paper: "Locatello et al. 2019, Challenging Common Assumptions …, arXiv:1811.12359, appendix (conv architecture)",
    requirement: needs16To256
  ) { image, latents, store in
    let (encoder, features) = try locatelloEncoder(image, latents, store)
    var mirror = NetworkBuilder("decoder", from: .vector(latents), in: store)
    mirror.dense(256, activation: .relu)
    mirror.dense(to: features, activation: .relu)
    for channels in [64, 32, 32] {
      try mirror.transposedConvolution(channels, kernel: 4, stride: 2, padding: 1, activation: .relu)
    }
    try mirror.transposedConvolution(image.channels, kernel: 4, stride: 2, padding: 1)
    try mirror.crop(toHeight: image.height, width: image.width)
    return Networks(encoder: encoder, decoder: try mirror.decoder(of: image))
  }

  /// The encoder, and the form of its features.
  static func locatelloEncoder(
    _ image: ImageShape, _ latents: Int, _ store: ParameterStore
  ) throws -> (encoder: Encoder, features: LayerForm) {
    let padded = image.paddedToPowersOfTwo
    var network = NetworkBuilder("encoder", from: .image(image), in: store)
    try network.pad(toHeight: padded.height, width: padded.width)
    for _ in 1...2 { try network.convolution(32, kernel: 4, stride: 2, padding: 1, activation: .relu) }
    for _ in 1...2 { try network.convolution(64, kernel: 2, stride: 2, activation: .relu) }
    let features = network.form
    network.dense(256, activation: .relu)
    return (try network.encoder(latents: latents, heads: .separate), features)
  }
}
