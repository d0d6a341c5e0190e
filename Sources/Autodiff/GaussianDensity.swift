import TensorCore

extension Variable {
  /// log N(z_id; μ_jd, e^{v_jd}) in nats, for every code i, dimension d and Gaussian j.
  ///
  ///     log N = −½[log 2π + v + (z − μ)²·e^{−v}]
  ///
  /// - Parameters:
  ///   - mean: μ, `[M, D]`.
  ///   - logVariance: v, `[M, D]`.
  /// - Returns: `[D, B, M]` for codes of shape `[B, D]`.
  public func pairwiseGaussianLogDensity(mean: Variable, logVariance: Variable) -> Variable {
    let result = Tensor.pairwiseGaussian(value, mean.value, logVariance.value)
    return Variable.recording(result, from: [self, mean, logVariance]) { g, gradients in
      let parts = Tensor.pairwiseGaussianGradient(value, mean.value, logVariance.value, gradient: g)
      gradients.add(parts.codes, to: self)
      gradients.add(parts.mean, to: mean)
      gradients.add(parts.logVariance, to: logVariance)
    }
  }
}
