import Foundation
import TensorCore

/// Σ_j q(z_i|x_j) and, in each dimension, Σ_j q(z_id|x_j) over the posteriors of a batch: what its minibatch estimates
/// of densities are made from.
struct BatchSums {
  /// The logarithm of one sum, and the shares of the terms j = i and j = (i + 1) mod B in it.
  struct Row {
    var logSum: Double
    var own: Double
    var next: Double

    init(_ logarithms: UnsafeMutableBufferPointer<Double>, own i: Int, _ level: VectorLevel) {
      logSum = logarithms.baseAddress.map { Double.logSumExp(level, logarithms.count, $0) } ?? -.infinity
      own = exp(logarithms[i] - logSum)
      next = exp(logarithms[(i + 1) % logarithms.count] - logSum)
    }
  }

  /// `[B]`.
  private(set) var joint: [Row] = []
  /// `[B, D]`.
  private(set) var marginals: [Row] = []

  init(_ batch: CodeBatch, instructions: VectorLevel = .best) {
    self.init(
      codes: batch.codes, means: batch.means, logVariances: batch.logVariances, latents: batch.latents,
      instructions: instructions)
  }

  /// Takes codes, means and log-variances `[B, D]`.
  init(
    codes: [Double], means: [Double], logVariances: [Double], latents d: Int, instructions: VectorLevel = .best
  ) {
    let batch = codes.count / d
    // Dimension by dimension, `[D, B]`: log N(z; μ, σ²) = c − h(z − μ)².
    func column(_ values: [Double]) -> [Double] { (0..<d * batch).map { values[$0 % batch * d + $0 / batch] } }
    let mean = column(means), lv = column(logVariances)
    let half = lv.map { 0.5 * exp(-$0) }, constant = lv.map { -0.5 * ($0 + log(2 * Double.pi)) }
    joint.reserveCapacity(batch)
    marginals.reserveCapacity(batch * d)
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * batch) { scratch in
      let all = UnsafeMutableBufferPointer(rebasing: scratch[..<batch])
      let single = UnsafeMutableBufferPointer(rebasing: scratch[batch...])
      for i in 0..<batch {
        all.initialize(repeating: 0)
        for k in 0..<d {
          let z = codes[i * d + k]
          for j in 0..<batch {
            let distance = z - mean[k * batch + j]
            let value = constant[k * batch + j] - half[k * batch + j] * distance * distance
            single[j] = value
            all[j] += value
          }
          marginals.append(Row(single, own: i, instructions))
        }
        joint.append(Row(all, own: i, instructions))
      }
    }
  }
}
