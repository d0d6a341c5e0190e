import Architectures
import NeuralLayers
import TensorCore

extension Architecture {
  /// What no architecture of the registry has: an encoder that is its heads, and a decoder that ends in an ordinary convolution
  /// with padding and keeps the extents.
  public static let headsAndConvolution = Architecture(
    name: "heads and a convolution", summary: "", paper: ""
  ) { image, latents, store in
    var mirror = NetworkBuilder("decoder", from: .vector(latents), in: store)
    let encoder = try Encoder.heads(of: image, latents: latents, in: store)
    mirror.dense(
      to: .image(ImageShape(height: image.height, width: image.width, channels: 3)), activation: .tanh)
    try mirror.convolution(image.channels, kernel: 3, padding: 1)
    return Networks(encoder: encoder, decoder: try mirror.decoder(of: image))
  }
}

extension Architecture {
  /// Both networks with every kind of layer, for images of even extents: the encoder with padding, normalisations, a strided
  /// residual block and an activation of its own; the decoder with a spatial broadcast, a residual block, upsampling and
  /// cropping.
  public static let everyLayer = Architecture(name: "every layer", summary: "", paper: "") { image, latents, store in
    var network = NetworkBuilder("encoder", from: .image(image), in: store)
    try network.pad(toHeight: image.height + 3, width: image.width + 2)
    try network.convolution(8, kernel: 3, padding: 1, hasBias: false)
    network.batchNormalization(activation: .leakyReLU(slope: 0.2))
    try network.basicBlock(12, stride: 2)
    try network.groupNormalization(groups: 3, activation: .tanh)
    network.dense(16)
    network.batchNormalization()
    network.activation(.relu)
    let encoder = try network.encoder(latents: latents, heads: .separate)

    var mirror = NetworkBuilder("decoder", from: .vector(latents), in: store)
    try mirror.spatialBroadcast(height: image.height / 2 + 1, width: image.width / 2 + 2)
    try mirror.convolution(8, kernel: 3, padding: 1, hasBias: false)
    mirror.batchNormalization(activation: .relu)
    try mirror.basicBlock(8)
    try mirror.upsampling()
    try mirror.residual(activation: .leakyReLU(slope: 0.1)) { main in
      try main.convolution(6, kernel: 3, padding: 1)
      try main.groupNormalization(groups: 2, activation: .tanh)
    } shortcut: { shortcut in
      try shortcut.convolution(6, kernel: 1)
    }
    try mirror.transposedConvolution(image.channels, kernel: 3, padding: 1)
    mirror.activation(.tanh)
    try mirror.pad(toHeight: image.height + 2, width: image.width + 5)
    try mirror.crop(toHeight: image.height, width: image.width)
    return Networks(encoder: encoder, decoder: try mirror.decoder(of: image))
  }
}

extension ParameterStore {
  /// Moves the scales, shifts and running statistics of normalisations away from 0 and 1, as training would.
  public func disturbNormalizations(_ stream: RandomStream) {
    var stream = stream
    for (index, entry) in entries.enumerated() {
      guard case .constant = entry.role else { continue }
      parameter(at: index).value.withMutableElements { for i in $0.indices { $0[i] += Float(stream.uniform() - 0.5) } }
    }
    for buffer in buffers {
      buffer.value.withMutableElements { for i in $0.indices { $0[i] += Float(stream.uniform() - 0.5) } }
    }
  }
}

extension Encoder {
  /// One linear layer from the image to the posterior.
  public static func heads(of image: ImageShape, latents: Int, in store: ParameterStore) throws -> Encoder {
    try NetworkBuilder("encoder", from: .image(image), in: store).encoder(latents: latents)
  }
}
