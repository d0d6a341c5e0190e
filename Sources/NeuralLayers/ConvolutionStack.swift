import Autodiff
import TensorCore

/// Convolutions one after the other, all of them ordinary or all transposed.
///
/// A stack is described once. Where the fused kernels support its shapes it runs as one tape operation, image by image
/// in cache; otherwise layer by layer through the general convolution. Both give the same values to rounding.
public struct ConvolutionStack {
  /// One layer of a stack.
  public struct Layer: Sendable {
    /// Side of the kernel.
    public var kernel: Int
    /// Stride.
    public var stride: Int
    /// Padding.
    public var padding: Int
    /// Output channels.
    public var channels: Int
    /// What follows.
    public var activation: Activation

    /// Describes a layer.
    public init(kernel: Int, stride: Int, padding: Int, channels: Int, activation: Activation) {
      (self.kernel, self.stride, self.padding) = (kernel, stride, padding)
      (self.channels, self.activation) = (channels, activation)
    }
  }

  struct Convolution {
    let geometry: ConvolutionGeometry
    let activation: Activation
    let weight: Parameter
    let bias: Parameter
  }

  let convolutions: [Convolution]
  let transposed: Bool
  /// The plan of the fused kernels; nil where they do not support the shapes.
  let plan: FusedConvolutionStack?
  /// What goes in.
  public let input: ImageShape
  /// What comes out.
  public let output: ImageShape

  /// Adds a stack's parameters to a store.
  ///
  /// - Parameters:
  ///   - names: the prefix of each layer's parameters.
  ///   - layers: the layers in order.
  ///   - input: the image that goes in.
  ///   - transposed: whether these are transposed convolutions; then each layer's output has
  ///     (extent − 1)·stride + kernel − 2·padding pixels a side.
  ///   - store: where the parameters go.
  public init(_ names: [String], layers: [Layer], input: ImageShape, transposed: Bool, in store: ParameterStore) {
    self.transposed = transposed
    self.input = input
    var image = input
    convolutions = zip(names, layers).map { name, layer in
      let geometry: ConvolutionGeometry
      if transposed {
        func grown(_ extent: Int) -> Int { (extent - 1) * layer.stride + layer.kernel - 2 * layer.padding }
        geometry = ConvolutionGeometry(
          kernel: layer.kernel, stride: layer.stride, padding: layer.padding,
          high: ImageShape(height: grown(image.height), width: grown(image.width), channels: layer.channels),
          lowChannels: image.channels)
      } else {
        geometry = ConvolutionGeometry(
          kernel: layer.kernel, stride: layer.stride, padding: layer.padding, high: image, lowChannels: layer.channels)
      }
      // Fans as PyTorch counts them: for a transposed convolution "in" is the side that the weights' second axis names.
      let taps = layer.kernel * layer.kernel
      let fanIn = taps * geometry.high.channels, fanOut = taps * geometry.lowChannels
      let weight = store.add(
        name + ".weight", geometry.weightShape,
        .convolution(kernel: layer.kernel, high: geometry.high.channels, low: geometry.lowChannels), fanIn: fanIn,
        fanOut: fanOut, .weight)
      let bias = store.add(
        name + ".bias", [layer.channels], .vector(count: layer.channels, image: nil), fanIn: fanIn, fanOut: fanOut,
        .bias)
      image = transposed ? geometry.high : geometry.low
      return Convolution(geometry: geometry, activation: layer.activation, weight: weight, bias: bias)
    }
    output = image
    plan = FusedConvolutionStack(convolutions, transposed: transposed, on: store.device)
  }

  /// Whether the stack runs through the fused kernels.
  public var isFused: Bool { plan != nil }

  /// Applies the stack to images `[B, height, width, channels]`.
  public func callAsFunction(_ images: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    let weights = weights(pass), biases = biases(pass)
    return pass.tape.phase(phaseName, operations: operations(images, weights)) {
      guard let plan else { return general(images, pass) }
      return images.fused(plan, weights: weights, biases: biases, output: output)
    }
  }

  /// −log p(target | stack(images)) for each image, `[B]`, in nats.
  ///
  /// - Parameters:
  ///   - target: the images to explain, `[B, height, width, channels]`.
  ///   - images: what goes into the stack.
  ///   - likelihood: what comes out of it.
  ///   - pass: the evaluation this is part of.
  public func distortions(
    of target: Tensor<Float>, from images: Variable<Float>, _ likelihood: Likelihood, _ pass: Pass
  ) -> Variable<Float> {
    let weights = weights(pass), biases = biases(pass)
    return pass.tape.phase(phaseName + ", likelihood", operations: operations(images, weights)) {
      guard let plan else { return likelihood.distortions(output: general(images, pass), target: target) }
      return images.fusedDistortions(of: target, plan, likelihood, weights: weights, biases: biases)
    }
  }

  /// The mean of ``distortions(of:from:_:_:)`` over the batch, a scalar in nats. In training the backward pass of a fused
  /// stack runs inside the forward pass.
  public func meanDistortion(
    of target: Tensor<Float>, from images: Variable<Float>, _ likelihood: Likelihood, _ pass: Pass
  ) -> Variable<Float> {
    guard let plan else { return distortions(of: target, from: images, likelihood, pass).mean() }
    let weights = weights(pass), biases = biases(pass)
    return pass.tape.phase(phaseName + ", likelihood", operations: operations(images, weights)) {
      images.fusedMeanDistortion(
        of: target, plan, likelihood, weights: weights, biases: biases, isTraining: pass.isTraining)
    }
  }

  private var phaseName: String { transposed ? "transposed convolutions" : "convolutions" }

  /// Floating-point operations for a batch, its gradients included where they will be computed.
  private func operations(_ images: Variable<Float>, _ weights: [Variable<Float>]) -> Double {
    var total = 0, isTracked = images.isTracked
    for (convolution, weight) in zip(convolutions, weights) {
      let products = 1 + (isTracked ? 1 : 0) + (weight.isTracked ? 1 : 0)
      total += 2 * products * convolution.geometry.low.height * convolution.geometry.low.width * weight.shape.count
      isTracked = isTracked || weight.isTracked
    }
    return Double(total * images.shape[0])
  }

  private func weights(_ pass: Pass) -> [Variable<Float>] { convolutions.map { pass($0.weight) } }
  private func biases(_ pass: Pass) -> [Variable<Float>] { convolutions.map { pass($0.bias) } }

  /// The stack through the general convolution, layer by layer.
  package func general(_ images: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    convolutions.reduce(images) { x, layer in
      let weights = pass(layer.weight), bias = pass(layer.bias)
      return transposed
        ? x.convolvedTransposed(weights: weights, bias: bias, layer.geometry, activation: layer.activation)
        : x.convolved(weights: weights, bias: bias, layer.geometry, activation: layer.activation)
    }
  }
}

extension FusedConvolutionStack {
  fileprivate init?(_ convolutions: [ConvolutionStack.Convolution], transposed: Bool, on device: Device) {
    let layers = convolutions.map {
      ConvolutionLayer($0.geometry, transposed: transposed, activation: $0.activation)
    }
    self.init(layers: layers, device: device)
  }
}
