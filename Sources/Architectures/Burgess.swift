import NeuralLayers
import TensorCore

extension Architecture {
  /// Strided convolutions of 32 channels down to a side of 4 pixels and two layers of 256, mirrored in the decoder; all ReLU.
  ///
  /// For images of 64 × 64 pixels these are the four convolutions of Burgess et al. 2018 (arXiv:1804.03599), appendix A.1.
  /// Larger and smaller images have one convolution for each halving of the shorter side to 4. Sides that are no power of two
  /// are padded with zeros before the encoder, and the decoder's output is cropped.
  public static let burgess = Architecture(
    name: "burgess",
    summary: "4 convolutions of 32 channels (kernel 4, stride 2), 2 layers of 256, mirrored; ReLU; at other sizes one "
      + "convolution for each halving to 4",
    paper: "Burgess et al. 2018, Understanding disentangling in β-VAE, arXiv:1804.03599, appendix A.1",
    requirement: needs16To256
  ) { image, latents, store in
    let (encoder, features, halvings) = try burgessEncoder(image, latents, store)
    var mirror = NetworkBuilder("decoder", from: .vector(latents), in: store)
    for _ in 1...2 { mirror.dense(256, activation: .relu) }
    mirror.dense(to: features, activation: .relu)
    for _ in 1..<halvings { try mirror.transposedConvolution(32, kernel: 4, stride: 2, padding: 1, activation: .relu) }
    try mirror.transposedConvolution(image.channels, kernel: 4, stride: 2, padding: 1)
    try mirror.crop(toHeight: image.height, width: image.width)
    return Networks(encoder: encoder, decoder: try mirror.decoder(of: image))
  }

  /// The encoder, the form of its features, and the number of its convolutions.
  static func burgessEncoder(
    _ image: ImageShape, _ latents: Int, _ store: ParameterStore
  ) throws -> (encoder: Encoder, features: LayerForm, halvings: Int) {
    let padded = image.paddedToPowersOfTwo
    var network = NetworkBuilder("encoder", from: .image(image), in: store), shortest = min(padded.height, padded.width)
    try network.pad(toHeight: padded.height, width: padded.width)
    var halvings = 0
    while shortest > 4 {
      try network.convolution(32, kernel: 4, stride: 2, padding: 1, activation: .relu)
      (shortest, halvings) = (shortest / 2, halvings + 1)
    }
    let features = network.form
    for _ in 1...2 { network.dense(256, activation: .relu) }
    return (try network.encoder(latents: latents), features, halvings)
  }
}
