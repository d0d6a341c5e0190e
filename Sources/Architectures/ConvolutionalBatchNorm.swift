import NeuralLayers
import TensorCore

extension Architecture {
  /// The convolutional networks of beta-tcvae: batch normalisation after each layer, and no layer but convolutions.
  ///
  /// Chen et al. 2018 (arXiv:1802.04942), as in the authors' code (github.com/rtqichen/beta-tcvae): for 64 × 64 pixels
  /// convolutions of 32, 32, 64, 64 channels (kernel 4, stride 2) and one of 512 that covers what is left, each with batch
  /// normalisation and ReLU; the decoder mirrors them. Images of 32 pixels have one strided layer less, larger ones one of
  /// 64 channels more for each doubling. Other sides are padded with zeros to the next power of two, and the decoder's
  /// output is cropped. A batch of one image cannot be normalised where one pixel is left: train with two or more.
  public static let convolutionalBatchNorm = Architecture(
    name: "convolutional-batchnorm",
    summary: "convolutions of 32, 32, 64, 64 channels (kernel 4) and 512, batch normalisation and ReLU",
    paper: "Chen et al. 2018, Isolating Sources of Disentanglement in VAEs, arXiv:1802.04942, the authors' code",
    requirement: needs16To256
  ) { image, latents, store in
    // Square, so that one kernel covers what the strided layers leave.
    let padded = image.paddedToPowersOfTwo, side = max(padded.height, padded.width)
    let strided = side.trailingZeroBitCount - 2
    let channels = (0..<strided).map { $0 < 2 ? 32 : 64 }
    var network = NetworkBuilder("encoder", from: .image(image), in: store)
    try network.pad(toHeight: side, width: side)
    for channels in channels {
      try network.convolution(channels, kernel: 4, stride: 2, padding: 1)
      network.batchNormalization(activation: .relu)
    }
    try network.convolution(512, kernel: 4)
    network.batchNormalization(activation: .relu)
    let encoder = try network.encoder(latents: latents)

    var mirror = NetworkBuilder("decoder", from: .vector(latents), in: store)
    mirror.dense(to: .image(ImageShape(height: 1, width: 1, channels: 512)))
    mirror.batchNormalization(activation: .relu)
    try mirror.transposedConvolution(64, kernel: 4)
    mirror.batchNormalization(activation: .relu)
    for channels in channels.reversed().dropFirst() {
      try mirror.transposedConvolution(channels, kernel: 4, stride: 2, padding: 1)
      mirror.batchNormalization(activation: .relu)
    }
    try mirror.transposedConvolution(image.channels, kernel: 4, stride: 2, padding: 1)
    try mirror.crop(toHeight: image.height, width: image.width)
    return Networks(encoder: encoder, decoder: try mirror.decoder(of: image))
  }
}
