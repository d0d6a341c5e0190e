extension Tensor {
  /// log N(z_id; μ_jd, e^{v_jd}), in nats, for every code i, Gaussian j and dimension d.
  ///
  /// - Parameters:
  ///   - codes: z, `[B, D]`.
  ///   - mean: μ, `[M, D]`.
  ///   - logVariance: v = log σ², `[M, D]`.
  /// - Returns: `[D, B, M]`, so that sums over Gaussians and sums over dimensions both access contiguous memory.
  package static func pairwiseGaussian(_ codes: Tensor, _ mean: Tensor, _ logVariance: Tensor) -> Tensor {
    requireFit(
      codes.shape.rank == 2 && mean.shape.rank == 2 && mean.shape == logVariance.shape
        && codes.shape[1] == mean.shape[1], "pairwiseGaussian",
      "codes \(codes.shape), means \(mean.shape) and log-variances \(logVariance.shape) do not fit, expected [B, D], "
        + "[M, D] and [M, D]")
    let rows = codes.shape[0], columns = mean.shape[0], latents = codes.shape[1]
    let z = codes.transposed(), m = mean.transposed(), v = logVariance.transposed()
    let result = Tensor(uninitialized: [latents, rows, columns], on: codes.device)
    let (pz, pm, pv, out) = (z.pointer, m.pointer, v.pointer, result.pointer)
    let blocks = (rows + 15) / 16
    codes.device.forEachRange(latents * blocks) { _, range in
      for item in range {
        let (d, block) = item.quotientAndRemainder(dividingBy: blocks), first = d * rows + 16 * block
        Scalar.pairwiseGaussian(
          codes.device.level, min(16, rows - 16 * block), columns, pz + first, pm + d * columns, pv + d * columns,
          out + first * columns, columns)
      }
    }
    return result
  }

  /// The pullback of ``pairwiseGaussian(_:_:_:)``: gradients for codes, mean and log-variance.
  package static func pairwiseGaussianGradient(
    _ codes: Tensor, _ mean: Tensor, _ logVariance: Tensor, gradient: Tensor
  ) -> (codes: Tensor, mean: Tensor, logVariance: Tensor) {
    let rows = codes.shape[0], columns = mean.shape[0], latents = codes.shape[1]
    requireFit(
      gradient.shape == [latents, rows, columns] && mean.shape == logVariance.shape, "pairwiseGaussianGradient",
      "the gradient \(gradient.shape) does not fit codes \(codes.shape) and means \(mean.shape)")
    let z = codes.transposed(), m = mean.transposed(), v = logVariance.transposed()
    let gz = Tensor(uninitialized: z.shape, on: codes.device)
    let gm = Tensor(uninitialized: m.shape, on: codes.device), gv = Tensor(uninitialized: m.shape, on: codes.device)
    let (pz, pm, pv, pg) = (z.pointer, m.pointer, v.pointer, gradient.pointer)
    let (oz, om, ov) = (gz.pointer, gm.pointer, gv.pointer)
    codes.device.forEachRange(latents) { _, range in
      for d in range {
        Scalar.pairwiseGaussianGradient(
          codes.device.level, rows, columns, pz + d * rows, pm + d * columns, pv + d * columns,
          pg + d * rows * columns, columns, oz + d * rows, om + d * columns, ov + d * columns)
      }
    }
    return (gz.transposed(), gm.transposed(), gv.transposed())
  }
}
