import TensorCore

extension Variable {
  /// The matrix product of `[M, K]` and `[K, N]`.
  public func times(_ other: Variable) -> Variable {
    Variable.recording(value.times(other.value), from: [self, other]) { g, gradients in
      gradients.write(to: self) { Tensor.multiply(g, other.value, transposeB: true, into: $0, accumulate: $1) }
      gradients.write(to: other) { Tensor.multiply(value, transposeA: true, g, into: $0, accumulate: $1) }
    }
  }

  /// activation(x·W + b): a fully connected layer as one operation.
  ///
  /// - Parameters:
  ///   - weights: W, `[inputs, outputs]`.
  ///   - bias: b, `[outputs]`.
  ///   - activation: the activation.
  /// - Returns: `[B, outputs]` for x of shape `[B, inputs]`.
  @specialized(where Scalar == Float)
  public func linear(weights: Variable, bias: Variable, activation: Activation = .identity) -> Variable {
    requireFit(
      shape.rank == 2 && weights.shape.rank == 2 && shape[1] == weights.shape[0]
        && bias.value.count == weights.shape[1],
      "linear",
      "\(shape), weights \(weights.shape) and bias \(bias.shape) do not fit, expected [B, inputs], [inputs, outputs] and "
        + "[outputs]")
    let result = Tensor<Scalar>(uninitialized: [shape[0], weights.shape[1]], on: value.device)
    Tensor.multiply(value, weights.value, into: result)
    result.activate(activation, bias: bias.value)
    return Variable.recording(result, from: [self, weights, bias]) { g, gradients in
      let inner = result.activationGradient(activation, g)
      gradients.write(to: self) { Tensor.multiply(inner, weights.value, transposeB: true, into: $0, accumulate: $1) }
      gradients.writeProduct(value, inner, to: weights)
      if bias.isTracked { gradients.add(inner.sum(axis: 0), to: bias) }
    }
  }
}
