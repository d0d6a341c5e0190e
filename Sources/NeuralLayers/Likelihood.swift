import Autodiff
import Foundation
import TensorCore

/// p(x|z): what a decoder's output means. Distortions are real negative log-likelihoods in nats, constants included,
/// summed over pixels.
public enum Likelihood: Sendable, Hashable {
  /// The output is the logit l of each pixel: −log p = max(l, 0) − l·x + log(1 + e^{−|l|}).
  case bernoulli
  /// The output is the mean, the standard deviation s is fixed: −log p = ½[(x − m)²/s² + log 2πs²].
  case gaussian(standardDeviation: Float)
  /// The output is the median, the scale b is fixed: −log p = |x − m|/b + log 2b.
  case laplace(scale: Float)

  /// The name in configurations.
  public var name: String {
    switch self {
    case .bernoulli: "bernoulli"
    case .gaussian: "gaussian"
    case .laplace: "laplace"
    }
  }

  /// Whether −log p is of a probability, not a density: only then can H − D bound the mutual information.
  public var isDiscrete: Bool { self == .bernoulli }

  /// −log p(x|z) in nats, `[B]`, for decoder outputs and images `[B, …]`.
  public func distortion(output: Variable<Float>, target: Tensor<Float>) -> Variable<Float> {
    let batch = output.shape[0]
    let flat = output.reshaped([batch, output.shape.count / batch])
    let x = Variable(target.reshaped(flat.shape))
    switch self {
    case .bernoulli:
      return (flat.softplus() - flat * x).sum(axis: 1, keepingAxis: false)
    case .gaussian(let s):
      let constant = 0.5 * log(2 * Double.pi * Double(s) * Double(s))
      return ((flat - x).squared() * (0.5 / (s * s)) + Float(constant)).sum(axis: 1, keepingAxis: false)
    case .laplace(let scale):
      return ((flat - x).magnitude() / scale + Float(log(2 * Double(scale)))).sum(axis: 1, keepingAxis: false)
    }
  }

  /// What a picture of the output shows: the mean of p(x|z), in [0, 1] for images.
  public func mean(output: Tensor<Float>) -> Tensor<Float> {
    self == .bernoulli ? output.map(.sigmoid) : output
  }
}
