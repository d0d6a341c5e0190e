import NeuralLayers
import TensorCore

extension Architecture {
  /// Burgess's encoder with the spatial broadcast decoder: the code at every pixel with its coordinates, then convolutions
  /// that keep the size.
  ///
  /// Watters et al. 2019 (arXiv:1901.07017): four convolutions of 64 channels (kernel 5, ReLU) and
  /// one to the image. Coordinates run from −1 to 1; x, along the width, comes first. A step takes many times as long as
  /// with the other decoders, because every layer has the size of the image.
  public static let spatialBroadcast = spatialBroadcast(
    "spatial-broadcast", encoder: "burgess"
  ) { try burgessEncoder($0, $1, $2).encoder }

  /// The same decoder with the encoder of disentanglement_lib.
  public static let spatialBroadcastLocatello = spatialBroadcast(
    "spatial-broadcast-locatello", encoder: "locatello"
  ) { try locatelloEncoder($0, $1, $2).encoder }

  private static func spatialBroadcast(
    _ name: String, encoder: String,
    _ buildEncoder: @escaping @Sendable (ImageShape, Int, ParameterStore) throws -> Encoder
  ) -> Architecture {
    Architecture(
      name: name,
      summary: "encoder of \(encoder); codes at every pixel, 4 convolutions of 64 channels (kernel 5); ReLU; slow",
      paper: "Watters et al. 2019, Spatial Broadcast Decoder, arXiv:1901.07017", requirement: needs16To256
    ) { image, latents, store in
      let encoder = try buildEncoder(image, latents, store)
      var mirror = NetworkBuilder("decoder", from: .vector(latents), in: store)
      try mirror.spatialBroadcast(height: image.height, width: image.width)
      for _ in 1...4 { try mirror.convolution(64, kernel: 5, padding: 2, activation: .relu) }
      try mirror.convolution(image.channels, kernel: 5, padding: 2)
      return Networks(encoder: encoder, decoder: try mirror.decoder(of: image))
    }
  }
}
