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
    let result = Tensor<Scalar>(uninitialized: geometry.low.batch(shape[0]), on: value.device)
    Tensor.correlate(high: value, weights: weights.value, geometry, into: result)
    result.activate(activation, bias: bias.value)
    return Variable.recording(result, from: [self, weights, bias]) { g, gradients in
      let inner = result.activationGradient(activation, g)
      gradients.write(to: weights) {
        Tensor.weightGradient(high: value, low: inner, geometry, into: $0, accumulate: $1)
      }
      if isTracked {
        let input = Tensor<Scalar>(uninitialized: shape, on: value.device)
        Tensor.spread(low: inner, weights: weights.value, geometry, into: input)
        gradients.add(input, to: self)
      }
      if bias.isTracked { gradients.add(inner.channelSums(), to: bias) }
    }
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
    let result = Tensor<Scalar>(uninitialized: geometry.high.batch(shape[0]), on: value.device)
    Tensor.spread(low: value, weights: weights.value, geometry, into: result)
    result.activate(activation, bias: bias.value)
    return Variable.recording(result, from: [self, weights, bias]) { g, gradients in
      let inner = result.activationGradient(activation, g)
      gradients.write(to: weights) {
        Tensor.weightGradient(high: inner, low: value, geometry, into: $0, accumulate: $1)
      }
      if isTracked {
        let input = Tensor<Scalar>(uninitialized: shape, on: value.device)
        Tensor.correlate(high: inner, weights: weights.value, geometry, into: input)
        gradients.add(input, to: self)
      }
      if bias.isTracked { gradients.add(inner.channelSums(), to: bias) }
    }
  }
}
