import Autodiff
import Foundation
import TensorCore

/// A batch of Gaussians with diagonal covariance: the approximate posterior q(z|x).
public struct DiagonalGaussian {
  /// μ, `[B, D]`.
  public let mean: Variable<Float>
  /// log σ², `[B, D]`.
  public let logVariance: Variable<Float>

  /// Makes a batch of Gaussians from `[B, D]` means and log-variances.
  public init(mean: Variable<Float>, logVariance: Variable<Float>) {
    requireFit(
      mean.shape == logVariance.shape && mean.shape.rank == 2, "DiagonalGaussian",
      "means \(mean.shape) and log-variances \(logVariance.shape) are not of one shape [B, D]")
    (self.mean, self.logVariance) = (mean, logVariance)
  }

  /// z = μ + σ·ε (Kingma & Welling 2014, Eq. 4 of section 2.4), with ε `[B, D]`.
  public func sample(noise: Tensor<Float>) -> Variable<Float> {
    requireFit(noise.shape == mean.shape, "sample", "noise of shape \(noise.shape) for means of shape \(mean.shape)")
    return mean + (logVariance * 0.5).exp() * Variable(noise)
  }

  /// KL(q(z_d|x) ‖ N(0, 1)) = ½(μ² + σ² − log σ² − 1) in nats, `[B, D]` (Kingma & Welling 2014, appendix B).
  public var divergences: Variable<Float> {
    (mean.squared() + logVariance.exp() - logVariance - 1) * 0.5
  }

  /// The mean over the batch of KL(q(z|x) ‖ N(0, I)) in nats, a scalar: the batch's rate.
  public var rate: Variable<Float> { divergences.sum() / Float(mean.shape[0]) }

  /// log q(z_i|x_i), summed over dimensions, in nats, `[B]`.
  public func logDensity(of codes: Variable<Float>) -> Variable<Float> {
    requireFit(
      codes.shape == mean.shape, "logDensity", "codes of shape \(codes.shape) for means of shape \(mean.shape)")
    let squares = (codes - mean).squared() * (-logVariance).exp()
    return ((squares + logVariance + Float(log(2 * Double.pi))) * -0.5).sum(axis: 1, keepingAxis: false)
  }
}

/// log N(z; 0, I), summed over dimensions, in nats, `[B]` for codes `[B, D]`.
public func standardNormalLogDensity(of codes: Variable<Float>) -> Variable<Float> {
  codes.value.requireRank(2, "standardNormalLogDensity", "codes [B, D]")
  return ((codes.squared() + Float(log(2 * Double.pi))) * -0.5).sum(axis: 1, keepingAxis: false)
}
