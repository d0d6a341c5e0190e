import Autodiff
import Foundation
import NeuralLayers
import TensorCore

/// How log q(z) and log q(z_d) are estimated from a batch: a training signal, not a measurement.
///
/// Both estimates are off by many nats (in opposite directions for TC and dimension-wise KL); their gradients are what
/// training wants. For a measurement, integrate over the whole data set.
public enum MinibatchEstimator: String, Sendable, CaseIterable {
  /// Minibatch-weighted sampling: log q̂(z_i) = LSE_j log q(z_i|x_j) − log(B·N) (Chen et al. 2018, Eq. 5).
  case weighted = "mws"
  /// Minibatch stratified sampling: the own element weighs 1/N, one other (N−M)/(N·M), the rest 1/M, with M = B − 1
  /// (Chen et al. 2018, Eq. S6). The own element lies on the diagonal; the stratum is column (i + 1) mod B.
  case stratified = "mss"

  /// Densities of a batch's own codes, in nats.
  public struct Densities {
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
  ) -> Densities {
    let batch = codes.shape[0]
    var perDimension = codes.pairwiseGaussianLogDensity(mean: posterior.mean, logVariance: posterior.logVariance)
    let plain = perDimension.sum(axis: 0, keepingAxis: false)
    var joint = plain
    var constant = Float(0)
    switch self {
    case .weighted: constant = Float(log(Double(batch) * Double(dataCount)))
    case .stratified:
      // The log weight enters the joint once, and each marginal once.
      let weights = Variable(logWeights(batch: batch, dataCount: dataCount, on: codes.value.device))
      joint = joint + weights
      perDimension = perDimension + weights
    }
    return Densities(
      conditional: plain.diagonal(),
      joint: joint.logSumExp(axis: 1, keepingAxis: false) - constant,
      marginals: (perDimension.logSumExp(axis: 2, keepingAxis: false) - constant).sum(axis: 0, keepingAxis: false))
  }

  /// The logarithms of the stratified weights, `[B, B]`.
  private func logWeights(batch: Int, dataCount: Int, on device: Device) -> Tensor<Float> {
    let n = Double(dataCount), m = Double(batch - 1)
    var weights = [Float](repeating: Float(-log(m)), count: batch * batch)
    for i in 0..<batch {
      weights[i * batch + (i + 1) % batch] = Float(log((n - m) / (n * m)))
      weights[i * batch + i] = Float(-log(n))
    }
    return Tensor(weights, [batch, batch], on: device)
  }
}
