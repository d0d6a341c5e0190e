import TensorCore

// Element-wise arithmetic with broadcasting: axes are aligned at the last, and an extent of 1 matches any other.

extension Variable {
  @specialized(where Scalar == Float)
  private func combined(
    _ f: BinaryFunction, _ other: Variable,
    _ pullback: @escaping (_ gradient: Tensor<Scalar>, _ side: Side) -> Tensor<Scalar>
  ) -> Variable {
    Variable.recording(value.combined(f, other.value), from: [self, other]) { g, gradients in
      if isTracked { gradients.add(pullback(g, .left).sum(to: shape), to: self) }
      if other.isTracked { gradients.add(pullback(g, .right).sum(to: other.shape), to: other) }
    }
  }

  private enum Side { case left, right }

  /// a + b.
  public static func + (a: Variable, b: Variable) -> Variable { a.combined(.add, b) { g, _ in g } }

  /// a − b.
  public static func - (a: Variable, b: Variable) -> Variable {
    a.combined(.subtract, b) { g, side in side == .left ? g : g.map(.negate) }
  }

  /// a·b.
  public static func * (a: Variable, b: Variable) -> Variable {
    a.combined(.multiply, b) { g, side in g.combined(.multiply, side == .left ? b.value : a.value) }
  }

  /// a/b.
  public static func / (a: Variable, b: Variable) -> Variable {
    a.combined(.divide, b) { g, side in
      let scaled = g.combined(.divide, b.value)
      return side == .left ? scaled : scaled.combined(.multiply, a.value.combined(.divide, b.value)).map(.negate)
    }
  }

  /// scale·x + shift.
  @specialized(where Scalar == Float)
  public func affine(scale: Scalar, shift: Scalar) -> Variable {
    Variable.recording(value.affine(scale: scale, shift: shift), from: [self]) { g, gradients in
      gradients.add(scale == 1 ? g : g.affine(scale: scale, shift: 0), to: self)
    }
  }

  /// −x.
  public static prefix func - (x: Variable) -> Variable { x.affine(scale: -1, shift: 0) }
  /// x + c.
  public static func + (x: Variable, c: Scalar) -> Variable { x.affine(scale: 1, shift: c) }
  /// c + x.
  public static func + (c: Scalar, x: Variable) -> Variable { x.affine(scale: 1, shift: c) }
  /// x − c.
  public static func - (x: Variable, c: Scalar) -> Variable { x.affine(scale: 1, shift: -c) }
  /// c − x.
  public static func - (c: Scalar, x: Variable) -> Variable { x.affine(scale: -1, shift: c) }
  /// c·x.
  public static func * (c: Scalar, x: Variable) -> Variable { x.affine(scale: c, shift: 0) }
  /// x·c.
  public static func * (x: Variable, c: Scalar) -> Variable { x.affine(scale: c, shift: 0) }
  /// x/c.
  public static func / (x: Variable, c: Scalar) -> Variable { x.affine(scale: 1 / c, shift: 0) }
}
