import TensorCore

// The general convolutions, any kernel, stride and padding. Images are `[B, height, width, channels]`.

extension Variable {
  /// activation(x ∗ W + b): a convolution from the high-resolution to the low-resolution side.
  ///
  /// - Parameters:
  ///   - weights: W, `[K·K·high channels, low channels]`.
  ///   - bias: b, `[low channels]`.
  ///   - geometry: kernel, stride, padding and the sides' extents.
  ///   - activation: what follows.
  public func convolved(
    weights: Variable, bias: Variable, _ geometry: ConvolutionGeometry, activation: Activation = .identity
  ) -> Variable {
    convolved(ConvolutionLayer(geometry, transposed: false, activation: activation), weights: weights, bias: bias)
  }

  /// activation(x ∗ᵀ W + b): a transposed convolution from the low-resolution to the high-resolution side.
  ///
  /// - Parameters:
  ///   - weights: W, `[K·K·high channels, low channels]`.
  ///   - bias: b, `[high channels]`.
  ///   - geometry: kernel, stride, padding and the sides' extents.
  ///   - activation: what follows.
  public func convolvedTransposed(
    weights: Variable, bias: Variable, _ geometry: ConvolutionGeometry, activation: Activation = .identity
  ) -> Variable {
    convolved(ConvolutionLayer(geometry, transposed: true, activation: activation), weights: weights, bias: bias)
  }

  private func convolved(_ layer: ConvolutionLayer, weights: Variable, bias: Variable) -> Variable {
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
