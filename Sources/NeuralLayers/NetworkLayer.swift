import TensorCore

/// One layer of a network, as another program needs to know it to compute the same: shapes, activation, parameters.
///
/// Parameters are in memory order: matrices `[inputs, outputs]`, convolution weights `[ky·K + kx, high channel, low
/// channel]`, images `[height, width, channels]`.
public struct NetworkLayer {
  /// What a layer computes before its activation.
  public enum Operation: Sendable, Equatable {
    /// x·W + b.
    case dense(inputs: Int, outputs: Int)
    /// A convolution from the high-resolution to the low-resolution side.
    case convolution(ConvolutionGeometry)
    /// A transposed convolution, from low to high.
    case transposedConvolution(ConvolutionGeometry)
  }

  /// What it computes.
  public let operation: Operation
  /// What follows.
  public let activation: Activation
  /// W.
  public let weight: Parameter
  /// b.
  public let bias: Parameter
}

extension Encoder {
  /// Its layers before the heads, in order. Between convolutions and fully connected layers values only change their shape.
  public var networkLayers: [NetworkLayer] { (stack?.networkLayers ?? []) + layers.map(\.networkLayer) }

  /// One layer with 2·D outputs, means first, or one for the means and one for the log-variances.
  public var headLayers: [NetworkLayer] { heads.map(\.networkLayer) }
}

extension Decoder {
  /// Its layers in order. Between them values only change their shape.
  public var networkLayers: [NetworkLayer] { layers.map(\.networkLayer) + (stack?.networkLayers ?? []) }
}

extension Dense {
  var networkLayer: NetworkLayer {
    NetworkLayer(
      operation: .dense(inputs: weight.value.shape[0], outputs: weight.value.shape[1]), activation: activation,
      weight: weight, bias: bias)
  }
}

extension ConvolutionStack {
  var networkLayers: [NetworkLayer] {
    convolutions.map { layer in
      NetworkLayer(
        operation: transposed ? .transposedConvolution(layer.geometry) : .convolution(layer.geometry),
        activation: layer.activation, weight: layer.weight, bias: layer.bias)
    }
  }
}
