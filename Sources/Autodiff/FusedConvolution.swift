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
  public func fused(_ stack: FusedConvolutionStack, weights: [Variable], biases: [Variable]) -> Variable {
    stack.requireFit("fused", self, weights, biases)
    let batch = shape[0], device = value.device
    let result = Tensor<Float>(uninitialized: stack.output.batch(batch), on: device)
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

  /// −log p(target | stack(x)) for each image, `[B]`, in nats. The backward pass computes the activations again.
  ///
  /// - Parameters:
  ///   - target: the images, shaped as the stack's output without its edges.
  ///   - edges: rows and columns at the edges of the stack's output that are cropped.
  ///   - stack: the plan.
  ///   - likelihood: what the stack's output means.
  ///   - weights: W of each layer.
  ///   - biases: b of each layer.
  public func fusedDistortions(
    of target: Tensor<Float>, without edges: ImageEdges = .none, _ stack: FusedConvolutionStack,
    _ likelihood: Likelihood, weights: [Variable],
    biases: [Variable]
  ) -> Variable {
    let pass = FusedDistortion(input: self, target, edges, stack, likelihood, weights, biases)
    if isTracked, !(weights + biases).contains(where: \.isTracked) {
      // An image's gradient at its own input is that with weight 1 times its weight, whatever that will be.
      let (distortions, gradient) = pass.forwardBackwardAtInput()
      return Variable.recording(distortions, from: [self]) { g, gradients in
        gradients.add(gradient.combined(.multiply, g.reshaped([g.count, 1])), to: self)
      }
    }
    return Variable.recording(pass.forward(), from: [self] + weights + biases) { g, gradients in
      pass.forwardBackward(imageWeights: g).gradients.add(
        to: &gradients, weights: weights, biases: biases, input: self)
    }
  }

  /// The mean over the batch of −log p(target | stack(x)), a scalar in nats.
  ///
  /// Every image has the same weight in it, which is known beforehand. So the backward pass can run inside the forward
  /// pass, while an image's activations are in cache; the reverse pass only scales its result.
  ///
  /// - Parameters:
  ///   - target: the images, shaped as the stack's output without its edges.
  ///   - edges: rows and columns at the edges of the stack's output that are cropped.
  ///   - stack: the plan.
  ///   - likelihood: what the stack's output means.
  ///   - weights: W of each layer.
  ///   - biases: b of each layer.
  ///   - isTraining: whether a reverse pass will follow.
  public func fusedMeanDistortion(
    of target: Tensor<Float>, without edges: ImageEdges = .none, _ stack: FusedConvolutionStack,
    _ likelihood: Likelihood, weights: [Variable],
    biases: [Variable], isTraining: Bool
  ) -> Variable {
    let batch = shape[0], device = value.device, inputs = [self] + weights + biases
    let pass = FusedDistortion(input: self, target, edges, stack, likelihood, weights, biases)
    func mean(_ distortions: Tensor<Float>) -> Tensor<Float> {
      Tensor(scalar: Float(distortions.total()), on: device).affine(scale: 1 / Float(batch), shift: 0)
    }
    guard isTraining, inputs.contains(where: \.isTracked) else {
      return fusedDistortions(of: target, without: edges, stack, likelihood, weights: weights, biases: biases).mean()
    }
    let result = pass.forwardBackward(imageWeights: Tensor(repeating: 1 / Float(batch), [batch], on: device))
    return Variable.recording(mean(result.distortions), from: inputs) { g, gradients in
      result.gradients.scaled(by: g.scalar).add(to: &gradients, weights: weights, biases: biases, input: self)
    }
  }
}

/// The distortions of a batch under a stack, with or without their gradients.
private struct FusedDistortion {
  let input: Variable<Float>
  let target: Tensor<Float>
  let edges: ImageEdges
  let stack: FusedConvolutionStack
  let likelihood: Likelihood
  let weights: [Variable<Float>]
  let biases: [Variable<Float>]
  let parameters: FusedParameters

  init(
    input: Variable<Float>, _ target: Tensor<Float>, _ edges: ImageEdges, _ stack: FusedConvolutionStack,
    _ likelihood: Likelihood, _ weights: [Variable<Float>], _ biases: [Variable<Float>]
  ) {
    stack.requireFit("fusedDistortions", input, weights, biases)
    requireFit(
      edges.top + edges.bottom < stack.output.height && edges.left + edges.right < stack.output.width,
      "fusedDistortions", "nothing is left of \(stack.output) without its edges")
    requireFit(
      target.count == input.shape[0] * edges.removing(from: stack.output).count, "fusedDistortions",
      "a target \(target.shape) does not fit \(input.shape[0]) images of \(edges.removing(from: stack.output))")
    (self.input, self.target, self.edges, self.stack) = (input, target, edges, stack)
    self.likelihood = likelihood
    (self.weights, self.biases) = (weights, biases)
    parameters = FusedParameters(weights: weights, biases: biases)
  }

  private var batch: Int { input.shape[0] }
  private var device: Device { input.value.device }

  /// The distortions, `[B]`.
  func forward() -> Tensor<Float> {
    let distortions = Tensor<Float>(uninitialized: [batch], on: device)
    stack.likelihoodForward(
      input.value.pointer, target: target.pointer, without: edges, likelihood: likelihood, batch: batch,
      parameters: parameters, distortion: distortions.pointer)
    return distortions
  }

  /// The distortions, `[B]`, and the gradient of each at its own input, `[B, inputs]`.
  func forwardBackwardAtInput() -> (distortions: Tensor<Float>, gradient: Tensor<Float>) {
    let distortions = Tensor<Float>(uninitialized: [batch], on: device)
    let gradient = Tensor<Float>(uninitialized: [batch, stack.inputCount], on: device)
    let ones = Tensor<Float>(repeating: 1, [batch], on: device)
    stack.likelihoodForwardBackward(
      input.value.pointer, target: target.pointer, without: edges, likelihood: likelihood, imageWeights: ones.pointer,
      batch: batch, parameters: parameters, distortion: distortions.pointer, gradients: nil,
      inputGradient: gradient.pointer)
    return (distortions, gradient)
  }

  /// The distortions, `[B]`, and the gradients of Σ_b imageWeights[b]·distortion[b].
  func forwardBackward(imageWeights: Tensor<Float>) -> (distortions: Tensor<Float>, gradients: FusedGradients) {
    let distortions = Tensor<Float>(uninitialized: [batch], on: device)
    let gradients = FusedGradients(
      weights: weights, biases: biases, input: input.isTracked ? input : nil, on: device)
    stack.likelihoodForwardBackward(
      input.value.pointer, target: target.pointer, without: edges, likelihood: likelihood,
      imageWeights: imageWeights.pointer, batch: batch, parameters: parameters, distortion: distortions.pointer,
      gradients: gradients.pointers, inputGradient: gradients.input?.pointer)
    return (distortions, gradients)
  }
}

extension FusedConvolutionStack {
  /// Stops the program unless a batch and parameters fit the stack.
  fileprivate func requireFit(
    _ operation: StaticString, _ input: Variable<Float>, _ weights: [Variable<Float>], _ biases: [Variable<Float>]
  ) {
    TensorCore.requireFit(
      input.shape.rank > 0 && input.shape[0] > 0 && input.value.count == input.shape[0] * inputCount, operation,
      "\(input.shape) is not a batch of images of \(layers[0].input)")
    TensorCore.requireFit(
      weights.map(\.shape) == layers.map(\.geometry.weightShape)
        && biases.map(\.value.count) == layers.map(\.output.channels), operation,
      "weights \(weights.map(\.shape)) and biases \(biases.map(\.shape)) do not fit the stack, expected "
        + "\(layers.map(\.geometry.weightShape))")
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

  private init(weights: [Tensor<Float>], biases: [Tensor<Float>], input: Tensor<Float>?) {
    (self.weights, self.biases, self.input) = (weights, biases, input)
  }

  /// The gradients of `factor` times as much.
  func scaled(by factor: Float) -> FusedGradients {
    if factor == 1 { return self }
    func scale(_ tensor: Tensor<Float>) -> Tensor<Float> { tensor.affine(scale: factor, shift: 0) }
    return FusedGradients(weights: weights.map(scale), biases: biases.map(scale), input: input.map(scale))
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
