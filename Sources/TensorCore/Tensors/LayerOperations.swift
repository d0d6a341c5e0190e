// Operations of layers other than products: bias and activation in place, and writing columns.

extension Tensor {
  /// self ← activation(self + bias) in place; the bias is added along the last axis.
  package func activate(_ activation: Activation, bias: Tensor?) {
    let n = shape[-1], y = pointer, b = bias?.pointer
    requireFit(
      bias.map { $0.count == n } ?? true, "activate", "a bias of shape \(bias?.shape ?? []) does not fit \(shape)")
    device.forEachRange(count / max(n, 1), grain: max(1, Self.grain / max(n, 1))) { _, rows in
      Scalar.activate(device.level, activation, rows.count, n, b, y + rows.lowerBound * n)
    }
  }

  /// The gradient with respect to an activation's input, from that with respect to its output; self is the output.
  package func activationGradient(_ activation: Activation, _ gradient: Tensor) -> Tensor {
    if activation == .identity { return gradient }
    let result = Tensor(uninitialized: shape, on: device)
    activationGradient(activation, gradient, into: result)
    return result
  }

  /// The same, written into a tensor, which may be the gradient itself.
  package func activationGradient(_ activation: Activation, _ gradient: Tensor, into result: Tensor) {
    requireFit(
      gradient.count == count && result.count == count, "activationGradient",
      "the gradient \(gradient.shape) and its result \(result.shape) do not fit \(shape)")
    let y = pointer, gy = gradient.pointer, gx = result.pointer
    device.forEachRange(count, grain: Self.grain) { _, range in
      let i = range.lowerBound
      Scalar.activationGradient(device.level, activation, range.count, y + i, gy + i, gx + i)
    }
  }

  /// Overwrites columns `range` of a matrix, in place.
  package func setColumns(_ range: Range<Int>, to other: Tensor) {
    requireRank(2, "setColumns", "a matrix [M, N]")
    requireFit(
      range.lowerBound >= 0 && range.upperBound <= shape[1] && other.count == shape[0] * range.count, "setColumns",
      "\(other.shape) does not fill columns \(range) of \(shape)")
    let width = shape[1]
    for i in 0..<shape[0] {
      (pointer + i * width + range.lowerBound).update(from: other.pointer + i * range.count, count: range.count)
    }
  }
}
