import Autodiff
import Diagnostics
import TensorCore

/// A convolution or a transposed convolution, activation(x ∗ W + b), of images `[B, height, width, channels]`.
public struct Convolution: Layer {
  /// Prefix of the parameters' names.
  public let name: String
  /// Kernel, stride, padding, extents and activation.
  public let layer: ConvolutionLayer
  /// W, `[K·K·high channels, low channels]`.
  public let weight: Parameter
  /// b, one value for each output channel; nil where there is none.
  public let bias: Parameter?

  /// Adds a layer's parameters to a store.
  ///
  /// - Parameters:
  ///   - name: prefix of the parameters' names.
  ///   - layer: kernel, stride, padding, extents and activation.
  ///   - hasBias: whether it has a bias. Before a normalisation, which removes it again, it needs none.
  ///   - store: where the parameters go.
  public init(_ name: String, _ layer: ConvolutionLayer, hasBias: Bool = true, in store: ParameterStore) {
    (self.name, self.layer) = (name, layer)
    let g = layer.geometry, channels = layer.output.channels
    // Fans as PyTorch counts them: for a transposed convolution "in" is the side that the weights' second axis names.
    let fanIn = saturatingProduct(g.kernel, g.kernel, g.high.channels)
    let fanOut = saturatingProduct(g.kernel, g.kernel, g.lowChannels)
    weight = store.add(
      name + ".weight", g.weightShape, .convolution(kernel: g.kernel, high: g.high.channels, low: g.lowChannels),
      .weight(fanIn: fanIn, fanOut: fanOut))
    bias =
      hasBias
      ? store.add(name + ".bias", [channels], .vector(count: channels, image: nil), .bias(fanIn: fanIn)) : nil
  }

  /// The image that goes in.
  public var input: LayerForm { .image(layer.input) }
  /// The image that comes out.
  public var output: LayerForm { .image(layer.output) }
  /// Weight, and bias where there is one.
  public var parameters: [Parameter] { [weight] + (bias.map { [$0] } ?? []) }
  /// One.
  public var steps: [InferenceStep] { [.convolution(self)] }

  /// Applies the layer through the general convolution. A ``Network`` takes the fused kernels where they support it.
  public func callAsFunction(_ x: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    let weights = pass(weight), bias = bias(pass)
    return pass.tape.phase(phaseName, operations: operations(isInputTracked: x.isTracked, weights) * Double(x.shape[0]))
    {
      x.convolved(layer, weights: weights, bias: bias)
    }
  }

  /// The bias as a variable of a pass: zeros where there is none.
  func bias(_ pass: Pass) -> Variable<Float> {
    bias.map { pass($0) } ?? Variable(Tensor(repeating: 0, [layer.output.channels], on: pass.device))
  }

  var phaseName: String { layer.transposed ? "transposed convolutions" : "convolutions" }

  /// Floating-point operations for one image, its gradients included where they will be computed.
  func operations(isInputTracked: Bool, _ weights: Variable<Float>) -> Double {
    let products = 1 + (isInputTracked ? 1 : 0) + (weights.isTracked ? 1 : 0), low = layer.geometry.low
    return Double(2 * products * low.height * low.width * weights.shape.count)
  }
}
