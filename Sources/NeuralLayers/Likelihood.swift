import Autodiff
import Foundation
import TensorCore

extension Likelihood {
  /// −log p(x|z) in nats, `[B]`, for decoder outputs and images `[B, …]`.
  public func distortions(output: Variable<Float>, target: Tensor<Float>) -> Variable<Float> {
    requireFit(
      output.shape.rank > 0 && output.shape.count == target.count && output.shape[0] > 0
        && target.shape.rank > 0 && target.shape[0] == output.shape[0], "distortions",
      "outputs \(output.shape) do not fit images \(target.shape)")
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
