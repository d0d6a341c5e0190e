import Foundation
import TensorCore

extension Likelihood {
  /// Images x ~ p(x|z) for decoder outputs `[B, …]`, of the same shape.
  ///
  /// A Bernoulli image is 0 or 1 in each pixel; those of densities may leave [0, 1].
  public func sample(output: Tensor<Float>, from stream: inout RandomStream) -> Tensor<Float> {
    var values = output.elements
    for i in values.indices {
      switch self {
      case .bernoulli: values[i] = stream.uniform() < 1 / (1 + exp(-Double(values[i]))) ? 1 : 0
      case .gaussian(let deviation): values[i] += deviation * Float(stream.normalPair().0)
      case .laplace(let scale):
        // The inverse of the distribution function, on both sides of the median.
        let u = 2 * stream.uniform() - 1, exponential = -log1p(-min(abs(u), 1 - 0x1p-53))
        values[i] += scale * Float(u < 0 ? -exponential : exponential)
      }
    }
    return Tensor(values, output.shape, on: output.device)
  }
}
