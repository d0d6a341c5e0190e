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

extension Variable<Float> {
  /// The logarithms of the sums of a mixture's densities at codes `[B, D]`, in nats: in each dimension on its own and, in the
  /// last column, jointly, `[B, D + 1]`. The mixture is a constant.
  ///
  /// - Parameters:
  ///   - mixture: N Gaussians of D dimensions.
  ///   - excluded: those of them that are left out.
  public func logSums(of mixture: CachedMixture, excluding excluded: Set<Int>) -> Variable {
    let batch = value.shape[0], d = mixture.dimensions
    requireFit(value.shape == [batch, d], "logSums", "codes of \(value.shape) do not fit a mixture of \(d) dimensions")
    let sums = mixture.logSums(at: value.elements, excluding: excluded, on: value.device)
    let result = Tensor(sums.values, [batch, d + 1], on: value.device)
    return Variable.recording(result, from: [self]) { g, gradients in
      let upstream = g.elements
      var codes = [Float](repeating: 0, count: batch * d)
      for row in 0..<batch {
        let joint = upstream[row * (d + 1) + d]
        for k in 0..<d {
          let place = row * d + k
          codes[place] =
            upstream[row * (d + 1) + k] * sums.marginalGradients[place] + joint * sums.jointGradients[place]
        }
      }
      gradients.add(Tensor(codes, [batch, d], on: g.device), to: self)
    }
  }
}
