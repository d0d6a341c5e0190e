import TensorCore

extension Variable {
  /// The sum of all elements, a scalar.
  public func sum() -> Variable {
    let result = Tensor(scalar: Scalar(value.total()), on: value.device)
    return Variable.recording(result, from: [self]) { g, gradients in
      gradients.add(Tensor(repeating: g.scalar, shape, on: value.device), to: self)
    }
  }

  /// The mean of all elements, a scalar.
  public func mean() -> Variable { sum() / Scalar(value.count) }

  /// Sums along one axis, which is kept with extent 1 unless `keepingAxis` is false.
  public func sum(axis: Int, keepingAxis: Bool = true) -> Variable {
    let result = value.sum(axis: axis), length = shape[axis]
    return Variable.recording(result, from: [self]) { g, gradients in
      gradients.add(g.repeated(length, along: axis), to: self)
    }.droppingAxis(axis, unless: keepingAxis)
  }

  /// The mean along one axis, which is kept with extent 1 unless `keepingAxis` is false.
  public func mean(axis: Int, keepingAxis: Bool = true) -> Variable {
    sum(axis: axis, keepingAxis: keepingAxis) / Scalar(shape[axis])
  }

  /// log Σ eˣ along one axis, which is kept with extent 1 unless `keepingAxis` is false. Its gradient is the softmax.
  public func logSumExp(axis: Int, keepingAxis: Bool = true) -> Variable {
    let result = value.logSumExp(axis: axis)
    return Variable.recording(result, from: [self]) { g, gradients in
      gradients.add(value.combined(.subtract, result).map(.exp).combined(.multiply, g), to: self)
    }.droppingAxis(axis, unless: keepingAxis)
  }

  private func droppingAxis(_ axis: Int, unless keeping: Bool) -> Variable {
    if keeping { return self }
    var dimensions = shape.dimensions
    dimensions.remove(at: axis < 0 ? axis + shape.rank : axis)
    return reshaped(Shape(dimensions))
  }
}
