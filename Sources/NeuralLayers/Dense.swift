import Autodiff
import Diagnostics
import TensorCore

/// A fully connected layer, activation(x·W + b).
///
/// Images that go in are flattened, and values that come out may be the pixels of an image: PyTorch's layout of the
/// weights then follows its order of pixels, channels first.
public struct Dense: Layer {
  /// Prefix of the parameters' names.
  public let name: String
  /// What goes in.
  public let input: LayerForm
  /// What comes out.
  public let output: LayerForm
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
  ///   - input: what goes in.
  ///   - output: what comes out.
  ///   - activation: what follows.
  ///   - store: where the parameters go.
  public init(
    _ name: String, from input: LayerForm, to output: LayerForm, activation: Activation = .identity,
    in store: ParameterStore
  ) {
    (self.name, self.input, self.output, self.activation) = (name, input, output, activation)
    let (inputs, outputs) = (input.count, output.count)
    weight = store.add(
      name + ".weight", [inputs, outputs],
      .matrix(inputs: inputs, outputs: outputs, inputImage: input.image, outputImage: output.image),
      .weight(fanIn: inputs, fanOut: outputs))
    bias = store.add(
      name + ".bias", [outputs], .vector(count: outputs, image: output.image), .bias(fanIn: inputs))
  }

  /// Adds the parameters of a layer of vectors to a store.
  ///
  /// - Parameters:
  ///   - name: prefix of the parameters' names.
  ///   - inputs: values per row going in.
  ///   - outputs: values per row coming out.
  ///   - activation: what follows.
  ///   - store: where the parameters go.
  public init(
    _ name: String, inputs: Int, outputs: Int, activation: Activation = .identity, in store: ParameterStore
  ) {
    self.init(name, from: .vector(inputs), to: .vector(outputs), activation: activation, in: store)
  }

  /// Weight and bias.
  public var parameters: [Parameter] { [weight, bias] }
  /// One.
  public var steps: [InferenceStep] { [.dense(self)] }

  /// Applies the layer to rows `[B, inputs]`, or to images with as many values.
  public func callAsFunction(_ x: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    requireFit(
      x.shape.rank > 0 && x.shape.count == saturatingProduct(x.shape[0], input.count), "Dense",
      "\(name) takes batches of \(input), not \(x.shape)")
    let weights = pass(weight), bias = pass(bias), batch = x.shape[0]
    let products = 1 + (x.isTracked ? 1 : 0) + (weights.isTracked ? 1 : 0)
    return pass.tape.phase("fully connected", operations: Double(2 * products * batch * weights.shape.count)) {
      x.reshaped([batch, input.count]).linear(weights: weights, bias: bias, activation: activation)
        .reshaped(output.batch(batch))
    }
  }
}
