import Foundation
import RateDecomposition
import TensorCore

/// A linear-Gaussian encoder: x ~ N(0, I_p), q(z|x) = N(Ax + m, diag s), hence q(z) = N(m, AAᵀ + diag s).
struct LinearGaussian {
  var matrix: [[Double]]
  var offset: [Double]
  var variances: [Double]

  static let example = LinearGaussian(
    matrix: [[0.9, 0, 0.1], [0.6, 0.5, 0], [0, 0.2, -0.7]], offset: [0.1, 0, -0.2], variances: [0.2, 0.3, 0.5])

  var d: Int { offset.count }

  /// AAᵀ + diag s.
  var covariance: [[Double]] {
    (0..<d).map { i -> [Double] in
      (0..<d).map { j -> Double in
        let product = zip(matrix[i], matrix[j]).map { $0 * $1 }.reduce(0, +)
        return i == j ? product + variances[i] : product
      }
    }
  }

  /// Closed forms: MI = ½(log det S − Σ log s), TC = ½(Σ log S_dd − log det S), dwKL_d = ½(S_dd + m_d² − 1 − log S_dd).
  var mutualInformation: Double { 0.5 * (Self.logDeterminant(covariance) - variances.reduce(0) { $0 + log($1) }) }
  var totalCorrelation: Double {
    let diagonal = (0..<d).map { log(covariance[$0][$0]) }.reduce(0, +)
    return 0.5 * (diagonal - Self.logDeterminant(covariance))
  }
  var dimensionWiseKL: [Double] {
    (0..<d).map { k -> Double in
      let variance = covariance[k][k]
      return 0.5 * (variance + offset[k] * offset[k] - 1 - log(variance))
    }
  }

  func posterior(count: Int, seed: UInt64) throws -> PosteriorTable {
    var stream = RandomStream(seed: seed)
    var means: [Double] = []
    for _ in 0..<count {
      let x = matrix[0].map { _ in stream.normalPair().0 }
      for i in 0..<d { means.append(offset[i] + zip(matrix[i], x).map { $0 * $1 }.reduce(0, +)) }
    }
    let logVariances = (0..<count).flatMap { _ in variances.map { log($0) } }
    return try PosteriorTable(means: means, logVariances: logVariances, latents: d)
  }

  static func logDeterminant(_ matrix: [[Double]]) -> Double {
    var m = matrix, result = 0.0
    for i in m.indices {
      result += log(m[i][i])
      for j in m.indices where j > i {
        let factor = m[j][i] / m[i][i]
        for k in m.indices { m[j][k] -= factor * m[i][k] }
      }
    }
    return result
  }
}

/// The posterior behind the table of minibatch estimators: `informative` dimensions at σ² = .05 whose aggregate is N(0, 1)
/// up to sampling, the others equal to the prior.
func syntheticPosterior(count: Int, d: Int = 10, informative: Int = 5, seed: UInt64) throws -> PosteriorTable {
  var stream = RandomStream(seed: seed)
  var means: [Double] = [], logVariances: [Double] = []
  for _ in 0..<count {
    for k in 0..<d {
      means.append(k < informative ? 0.95.squareRoot() * stream.normalPair().0 : 0)
      logVariances.append(k < informative ? log(0.05) : 0)
    }
  }
  return try PosteriorTable(means: means, logVariances: logVariances, latents: d)
}

func options(samples: Int, seed: UInt64 = 1, batchSize: Int = 64, batches: Int = 2) -> RateDecomposition.Options {
  var options = RateDecomposition.Options()
  options.samples = samples
  options.seed = seed
  options.batchSize = batchSize
  options.batches = batches
  return options
}
