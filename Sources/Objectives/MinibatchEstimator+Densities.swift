import Autodiff
import Foundation
import NeuralLayers
import TensorCore

extension MinibatchEstimator {
  /// Densities of a batch's own codes, in nats.
  public struct DifferentiableDensities {
    /// log q(z_i|x_i), `[B]`.
    public let conditional: Variable<Float>
    /// The estimate of log q(z_i), `[B]`.
    public let joint: Variable<Float>
    /// The estimate of Σ_d log q(z_id), `[B]`.
    public let marginals: Variable<Float>
  }

  /// Estimates the densities of codes `[B, D]` under the aggregate posterior of `dataCount` images.
  public func densities(
    of codes: Variable<Float>, under posterior: DiagonalGaussian, dataCount: Int
  ) -> DifferentiableDensities {
    let batch = codes.shape[0]
    var perDimension = codes.pairwiseGaussianLogDensity(mean: posterior.mean, logVariance: posterior.logVariance)
    let plain = perDimension.sum(axis: 0, keepingAxis: false)
    var joint = plain
    var constant = Float(0)
    switch self {
    case .weighted: constant = Float(-log(weights(batch: batch, dataCount: dataCount).rest))
    case .stratified:
      // The log weight enters the joint once, and each marginal once.
      let weights = Variable(logWeights(batch: batch, dataCount: dataCount, on: codes.value.device))
      joint = joint + weights
      perDimension = perDimension + weights
    }
    return DifferentiableDensities(
      conditional: plain.diagonal(),
      joint: joint.logSumExp(axis: 1, keepingAxis: false) - constant,
      marginals: (perDimension.logSumExp(axis: 2, keepingAxis: false) - constant).sum(axis: 0, keepingAxis: false))
  }

  /// The logarithms of the stratified weights, `[B, B]`.
  private func logWeights(batch: Int, dataCount: Int, on device: Device) -> Tensor<Float> {
    let all = weights(batch: batch, dataCount: dataCount)
    var weights = [Float](repeating: Float(log(all.rest)), count: batch * batch)
    for i in 0..<batch {
      weights[i * batch + (i + 1) % batch] = Float(log(all.next))
      weights[i * batch + i] = Float(log(all.own))
    }
    return Tensor(weights, [batch, batch], on: device)
  }
}
