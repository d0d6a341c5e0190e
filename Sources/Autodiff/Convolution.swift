import TensorCore

// The general convolutions, any kernel, stride and padding. Images are `[B, height, width, channels]`.

extension Variable {
  /// activation(x ∗ W + b), or activation(x ∗ᵀ W + b) for a transposed convolution.
  ///
  /// - Parameters:
  ///   - layer: kernel, stride, padding, the sides' extents and the activation.
  ///   - weights: W, `[K·K·high channels, low channels]`.
  ///   - bias: b, one value for each output channel.
  public func convolved(_ layer: ConvolutionLayer, weights: Variable, bias: Variable) -> Variable {
    let result = value.convolved(layer, weights: weights.value, bias: bias.value)
    return Variable.recording(result, from: [self, weights, bias]) { g, gradients in
      let device = value.device
      let weightGradient = Tensor<Scalar>(repeating: 0, weights.shape, on: device)
      let biasGradient = Tensor<Scalar>(repeating: 0, bias.shape, on: device)
      let input = isTracked ? Tensor<Scalar>(uninitialized: shape, on: device) : nil
      result.convolutionGradients(
        layer, input: value, weights: weights.value, gradient: g, weightGradient: weightGradient,
        biasGradient: biasGradient, inputGradient: input)
      gradients.add(weightGradient, to: weights)
      gradients.add(biasGradient, to: bias)
      if let input { gradients.add(input, to: self) }
    }
  }
}
