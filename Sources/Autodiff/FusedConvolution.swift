import TensorCore

// Whole convolution stacks as one operation, image by image in cache. Values and gradients equal the general path's to
// rounding.

extension Variable where Scalar == Float {
  /// The output of a stack for images `[B, height, width, channels]`.
  ///
  /// - Parameters:
  ///   - stack: the plan.
  ///   - weights: W of each layer, `[K·K·high channels, low channels]`.
  ///   - biases: b of each layer.
  public func fused(
    _ stack: FusedConvolutionStack, weights: [Variable], biases: [Variable], output: ImageShape
  ) -> Variable {
    let batch = shape[0], device = value.device
    let result = Tensor<Float>(uninitialized: output.batch(batch), on: device)
    let parameters = FusedParameters(weights: weights, biases: biases)
    let inputs = [self] + weights + biases
    guard inputs.contains(where: \.isTracked) else {
      stack.forward(value.pointer, batch: batch, parameters: parameters, output: result.pointer, saved: nil)
      return Variable(result)
    }
    let saved = Tensor<Float>(uninitialized: [stack.savedCount(batch: batch)], on: device)
    stack.forward(value.pointer, batch: batch, parameters: parameters, output: result.pointer, saved: saved.pointer)
    return Variable.recording(result, from: inputs) { g, gradients in
      let parts = FusedGradients(weights: weights, biases: biases, input: isTracked ? self : nil, on: device)
      stack.backward(
        outputGradient: g.pointer, input: value.pointer, saved: saved.pointer, batch: batch, parameters: parameters,
        gradients: parts.pointers, inputGradient: parts.input?.pointer)
      parts.add(to: &gradients, weights: weights, biases: biases, input: self)
    }
  }

  /// −log p(target | stack(x)) for each image, `[B]`, in nats.
  ///
  /// - Parameters:
  ///   - target: the images, shaped as the stack's output.
  ///   - stack: the plan.
  ///   - likelihood: what the stack's output means.
  ///   - weights: W of each layer.
  ///   - biases: b of each layer.
  ///   - expectedWeight: the gradient that every distortion is expected to receive, if one is. Then the backward pass
  ///     runs at once, while each image's activations are in cache. If another gradient comes, it is computed again.
  public func fusedDistortion(
    of target: Tensor<Float>, _ stack: FusedConvolutionStack, _ likelihood: Likelihood, weights: [Variable],
    biases: [Variable], expectedWeight: Float?
  ) -> Variable {
    let batch = shape[0], device = value.device
    let distortion = Tensor<Float>(uninitialized: [batch], on: device)
    let parameters = FusedParameters(weights: weights, biases: biases)
    let inputs = [self] + weights + biases
    func withGradients(_ imageWeights: Tensor<Float>) -> FusedGradients {
      let parts = FusedGradients(weights: weights, biases: biases, input: isTracked ? self : nil, on: device)
      stack.likelihoodForwardBackward(
        value.pointer, target: target.pointer, likelihood: likelihood, imageWeights: imageWeights.pointer, batch: batch,
        parameters: parameters, distortion: distortion.pointer, gradients: parts.pointers,
        inputGradient: parts.input?.pointer)
      return parts
    }
    var prepared: FusedGradients?
    if let expectedWeight, inputs.contains(where: \.isTracked) {
      prepared = withGradients(Tensor(repeating: expectedWeight, [batch], on: device))
    } else {
      stack.likelihoodForward(
        value.pointer, target: target.pointer, likelihood: likelihood, batch: batch, parameters: parameters,
        distortion: distortion.pointer)
    }
    return Variable.recording(distortion, from: inputs) { [prepared] g, gradients in
      let asExpected = g.withElements { $0.allSatisfy { $0 == expectedWeight } }
      let parts = asExpected ? prepared ?? withGradients(g) : withGradients(g)
      parts.add(to: &gradients, weights: weights, biases: biases, input: self)
    }
  }
}

extension FusedParameters {
  fileprivate init(weights: [Variable<Float>], biases: [Variable<Float>]) {
    self.init(
      weights: weights.map { UnsafePointer($0.value.pointer) }, biases: biases.map { UnsafePointer($0.value.pointer) })
  }
}

/// Room for the gradients of a stack.
private struct FusedGradients {
  let weights: [Tensor<Float>]
  let biases: [Tensor<Float>]
  let input: Tensor<Float>?

  init(weights: [Variable<Float>], biases: [Variable<Float>], input: Variable<Float>?, on device: Device) {
    self.weights = weights.map { Tensor(uninitialized: $0.shape, on: device) }
    self.biases = biases.map { Tensor(uninitialized: $0.shape, on: device) }
    self.input = input.map { Tensor(uninitialized: $0.shape, on: device) }
  }

  var pointers: FusedParameterGradients {
    FusedParameterGradients(weights: weights.map(\.pointer), biases: biases.map(\.pointer))
  }

  func add(
    to gradients: inout Gradients<Float>, weights: [Variable<Float>], biases: [Variable<Float>], input: Variable<Float>
  ) {
    for (variable, gradient) in zip(weights, self.weights) { gradients.add(gradient, to: variable) }
    for (variable, gradient) in zip(biases, self.biases) { gradients.add(gradient, to: variable) }
    if let gradient = self.input { gradients.add(gradient, to: input) }
  }
}
