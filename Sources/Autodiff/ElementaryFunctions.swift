import TensorCore

// Functions of one value, element by element. Pullbacks use the input x or the output y, whichever is simpler.

extension Variable {
  @specialized(where Scalar == Float)
  private func mapped(
    _ f: UnaryFunction,
    _ pullback: @escaping (_ x: Tensor<Scalar>, _ y: Tensor<Scalar>, _ g: Tensor<Scalar>) -> Tensor<Scalar>
  ) -> Variable {
    let result = value.map(f)
    return Variable.recording(result, from: [self]) { g, gradients in
      gradients.add(pullback(value, result, g), to: self)
    }
  }

  /// eˣ.
  public func exp() -> Variable { mapped(.exp) { _, y, g in g.combined(.multiply, y) } }
  /// log x; −∞ at 0, NaN for negative numbers.
  public func log() -> Variable { mapped(.log) { x, _, g in g.combined(.divide, x) } }
  /// √x.
  public func squareRoot() -> Variable {
    mapped(.sqrt) { _, y, g in g.combined(.divide, y.affine(scale: 2, shift: 0)) }
  }
  /// x².
  public func squared() -> Variable {
    mapped(.square) { x, _, g in g.combined(.multiply, x.affine(scale: 2, shift: 0)) }
  }
  /// |x|, with derivative 0 at 0.
  public func magnitude() -> Variable { mapped(.abs) { x, _, g in g.combined(.multiply, x.map(.sign)) } }
  /// 1/x.
  public func reciprocal() -> Variable {
    mapped(.reciprocal) { _, y, g in g.combined(.multiply, y.map(.square)).map(.negate) }
  }
  /// max(x, 0), with derivative 0 at 0.
  public func relu() -> Variable { mapped(.relu) { _, y, g in g.combined(.gate, y) } }
  /// tanh x.
  public func tanh() -> Variable {
    mapped(.tanh) { _, y, g in g.combined(.multiply, y.map(.square).affine(scale: -1, shift: 1)) }
  }
  /// 1/(1 + e⁻ˣ).
  public func sigmoid() -> Variable {
    mapped(.sigmoid) { _, y, g in g.combined(.multiply, y.combined(.multiply, y.affine(scale: -1, shift: 1))) }
  }
  /// log(1 + eˣ), without overflow.
  public func softplus() -> Variable { mapped(.softplus) { x, _, g in g.combined(.multiply, x.map(.sigmoid)) } }

  /// An activation, applied element by element.
  public func activated(_ activation: Activation) -> Variable {
    if activation == .identity { return self }
    let result = Tensor<Scalar>(uninitialized: shape, on: value.device)
    result.copy(from: value)
    result.activate(activation, bias: nil)
    return Variable.recording(result, from: [self]) { g, gradients in
      gradients.add(result.activationGradient(activation, g), to: self)
    }
  }
}
