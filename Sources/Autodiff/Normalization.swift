import TensorCore

/// Mean and variance of each channel over a batch.
public struct BatchStatistics: Sendable {
  /// Means, `[C]`.
  public let means: [Double]
  /// Biased variances, 1/n, `[C]`.
  public let variances: [Double]
  /// n, the number of values of a channel: B·H·W.
  public let count: Int

  /// Unbiased variances, 1/(n − 1), `[C]`; the biased ones where n is 1.
  public var unbiasedVariances: [Double] {
    let factor = count > 1 ? Double(count) / Double(count - 1) : 1
    return variances.map { $0 * factor }
  }
}

extension Variable {
  /// Batch normalisation in training: activation(γ·(x − μ)/√(σ² + ε) + β), μ and σ² being the batch's.
  ///
  /// Mean and biased variance of each channel are over the batch and all pixels, and gradients flow through them. Ioffe &
  /// Szegedy 2015 (arXiv:1502.03167), algorithm 1.
  ///
  /// - Parameters:
  ///   - scale: γ, `[C]`.
  ///   - shift: β, `[C]`.
  ///   - epsilon: ε.
  ///   - activation: what follows.
  /// - Returns: a tensor of the shape of x, `[B, H, W, C]` or `[B, C]`, and the batch's statistics.
  public func batchNormalized(
    scale: Variable, shift: Variable, epsilon: Double, activation: Activation = .identity
  ) -> (value: Variable, statistics: BatchStatistics) {
    let statistics = value.normalizationStatistics(.batch)
    return (
      normalized(statistics, scale, shift, epsilon, activation, throughStatistics: true),
      BatchStatistics(
        means: statistics.centers.elements.map { Double($0) }, variances: statistics.variances,
        count: statistics.groupCount)
    )
  }

  /// Batch normalisation in evaluation: activation(γ·(x − μ)/√(σ² + ε) + β) with given μ and σ², which are constants.
  ///
  /// - Parameters:
  ///   - mean: μ, `[C]`.
  ///   - variance: σ², `[C]`.
  ///   - scale: γ, `[C]`.
  ///   - shift: β, `[C]`.
  ///   - epsilon: ε.
  ///   - activation: what follows.
  public func normalized(
    mean: Tensor<Scalar>, variance: Tensor<Scalar>, scale: Variable, shift: Variable, epsilon: Double,
    activation: Activation = .identity
  ) -> Variable {
    let statistics = NormalizationStatistics(
      centers: mean.reshaped([1, mean.count]), variances: variance.elements.map { Double($0) })
    return normalized(statistics, scale, shift, epsilon, activation, throughStatistics: false)
  }

  /// Group normalisation: activation(γ·(x − μ)/√(σ² + ε) + β), μ and σ² being those of a group of channels in one image.
  ///
  /// Mean and biased variance are over all pixels and C/G adjacent channels of one image; γ and β are per channel. Wu & He
  /// 2018 (arXiv:1803.08494), Eqs. 1, 2 and 7.
  ///
  /// - Parameters:
  ///   - groups: G, a divisor of C.
  ///   - scale: γ, `[C]`.
  ///   - shift: β, `[C]`.
  ///   - epsilon: ε.
  ///   - activation: what follows.
  public func groupNormalized(
    groups: Int, scale: Variable, shift: Variable, epsilon: Double, activation: Activation = .identity
  ) -> Variable {
    requireFit(
      groups > 0 && shape[-1] % max(groups, 1) == 0, "groupNormalized",
      "the channels of \(shape) do not split into \(groups) groups")
    let statistics = value.normalizationStatistics(.channels(shape[-1] / groups))
    return normalized(statistics, scale, shift, epsilon, activation, throughStatistics: true)
  }

  private func normalized(
    _ statistics: NormalizationStatistics<Scalar>, _ scale: Variable, _ shift: Variable, _ epsilon: Double,
    _ activation: Activation, throughStatistics: Bool
  ) -> Variable {
    let result = value.normalized(
      statistics, scale: scale.value, shift: shift.value, epsilon: epsilon, activation: activation)
    return Variable.recording(result, from: [self, scale, shift]) { g, gradients in
      let parts = value.normalizationGradient(
        statistics, scale: scale.value, epsilon: epsilon, gradient: result.activationGradient(activation, g),
        throughStatistics: throughStatistics, needsInput: isTracked)
      if let input = parts.input { gradients.add(input, to: self) }
      gradients.add(parts.scale, to: scale)
      gradients.add(parts.shift, to: shift)
    }
  }
}
