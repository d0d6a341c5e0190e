import Autodiff
import TensorCore

/// A fully connected layer, activation(x·W + b).
public struct Dense {
  /// W, `[inputs, outputs]`.
  public let weight: Parameter
  /// b, `[outputs]`.
  public let bias: Parameter
  /// What follows.
  public let activation: Activation

  /// Adds a layer's parameters to a store.
  ///
  /// - Parameters:
  ///   - name: prefix of the parameters' names.
  ///   - inputs: values per row going in.
  ///   - outputs: values per row coming out.
  ///   - activation: what follows.
  ///   - inputImage: the image that the inputs are the pixels of, if they are.
  ///   - outputImage: the image that the outputs are the pixels of, if they are.
  ///   - store: where the parameters go.
  public init(
    _ name: String, inputs: Int, outputs: Int, activation: Activation = .identity, inputImage: ImageShape? = nil,
    outputImage: ImageShape? = nil, in store: ParameterStore
  ) {
    self.activation = activation
    weight = store.add(
      name + ".weight", [inputs, outputs],
      .matrix(inputs: inputs, outputs: outputs, inputImage: inputImage, outputImage: outputImage), fanIn: inputs,
      fanOut: outputs, .weight)
    bias = store.add(
      name + ".bias", [outputs], .vector(count: outputs, image: outputImage), fanIn: inputs, fanOut: outputs, .bias)
  }

  /// Applies the layer to rows `[B, inputs]`.
  public func callAsFunction(_ x: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    let weights = pass(weight), bias = pass(bias)
    let products = 1 + (x.isTracked ? 1 : 0) + (weights.isTracked ? 1 : 0)
    return pass.tape.phase("fully connected", operations: Double(2 * products * x.shape[0] * weights.shape.count)) {
      x.linear(weights: weights, bias: bias, activation: activation)
    }
  }
}
