import TensorCore

extension Variable {
  /// The same elements in another shape.
  @specialized(where Scalar == Float)
  public func reshaped(_ shape: Shape) -> Variable {
    if shape == self.shape { return self }
    let original = self.shape
    return Variable.recording(value.reshaped(shape), from: [self]) { g, gradients in
      gradients.add(g.reshaped(original), to: self)
    }
  }

  /// The transpose of a matrix.
  public func transposed() -> Variable {
    Variable.recording(value.transposed(), from: [self]) { g, gradients in gradients.add(g.transposed(), to: self) }
  }

  /// Columns `range` of a matrix `[B, N]`.
  @specialized(where Scalar == Float)
  public func columns(_ range: Range<Int>) -> Variable {
    Variable.recording(value.columns(range), from: [self]) { g, gradients in
      let full = Tensor<Scalar>(repeating: 0, shape, on: value.device)
      full.setColumns(range, to: g)
      gradients.add(full, to: self)
    }
  }

  /// The elements (i, i) of a square matrix, `[B]`.
  @specialized(where Scalar == Float)
  public func diagonal() -> Variable {
    requireFit(shape.rank == 2 && shape[0] == shape[1], "diagonal", "\(shape) is not a square matrix")
    let n = shape[0]
    let result = value.withElements { x in Tensor((0..<n).map { x[$0 * (n + 1)] }, [n], on: value.device) }
    return Variable.recording(result, from: [self]) { g, gradients in
      let full = Tensor<Scalar>(repeating: 0, shape, on: value.device)
      full.withMutableElements { f in g.withElements { g in for i in 0..<n { f[i * (n + 1)] = g[i] } } }
      gradients.add(full, to: self)
    }
  }
}
