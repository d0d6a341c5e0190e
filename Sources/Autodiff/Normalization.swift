import TensorCore

extension Variable {
  /// x̂ = (x − m)/√(v + ε), with mean m and variance v over some axes: the core of batch and group normalisation.
  ///
  /// The variance is the biased one, Σ(x − m)²/n. The gradient flows through m and v:
  ///
  ///     ∂L/∂x = (g − mean(g) − x̂·mean(g·x̂))/√(v + ε)
  ///
  /// (Ioffe & Szegedy 2015, arXiv:1502.03167, section 3).
  ///
  /// - Parameters:
  ///   - axes: the axes that are averaged over.
  ///   - epsilon: ε > 0.
  /// - Returns: x̂ in the shape of x; m and v as constants, with extent 1 in those axes.
  public func normalized(
    over axes: [Int], epsilon: Scalar
  ) -> (value: Variable, mean: Tensor<Scalar>, variance: Tensor<Scalar>) {
    let count = Scalar(axes.reduce(1) { $0 * shape[$1] })
    func mean(_ tensor: Tensor<Scalar>) -> Tensor<Scalar> {
      axes.reduce(tensor) { $0.sum(axis: $1) }.affine(scale: 1 / count, shift: 0)
    }
    let m = mean(value), centred = value.combined(.subtract, m)
    let variance = mean(centred.map(.square))
    let inverse = variance.affine(scale: 1, shift: epsilon).map(.sqrt).map(.reciprocal)
    let result = centred.combined(.multiply, inverse)
    let variable = Variable.recording(result, from: [self]) { g, gradients in
      let along = result.combined(.multiply, mean(g.combined(.multiply, result)))
      gradients.add(g.combined(.subtract, mean(g)).combined(.subtract, along).combined(.multiply, inverse), to: self)
    }
    return (variable, m, variance)
  }
}
