import Foundation

/// The three terms of the rate with a Gaussian in the place of the mixture 1/B Σ_n q(z|x_n), of the same mean m and
/// covariance Σ = Cov(μ) + E diag σ². In nats:
///
///     I  = ½ log det(2πe Σ) − E H(z|x),   TC = ½(Σ_d log Σ_dd − log det Σ),   dwKL = ½ Σ_d(Σ_dd + m_d² − 1 − log Σ_dd)
///
/// TC is the Gaussian total correlation of disentanglement_lib (Locatello et al. 2019, arXiv:1811.12359); see
/// ``GaussianDependence``. Of all
/// densities with these moments the Gaussian has the largest entropy, hence I is never too low. The terms add up to
/// the rate of the B posteriors.
struct GaussianApproximation {
  /// nil where Σ is singular to rounding, as with duplicated latents whose noise is negligible.
  let mutualInformation: Double?
  /// nil where Σ is singular to rounding, so that the total correlation is infinite.
  let totalCorrelation: Double?
  let dimensionWiseKL: Double

  /// The terms in this order.
  var terms: [Double?] { [mutualInformation, totalCorrelation, dimensionWiseKL] }

  /// Matches a Gaussian to the posteriors `[B, D]`.
  init(means: [Float], logVariances: [Float], latents d: Int) {
    let count = means.count / d, n = Double(count)
    var mean = [Double](repeating: 0, count: d), variance = mean, logVariance = 0.0
    for i in means.indices {
      mean[i % d] += Double(means[i]) / n
      variance[i % d] += exp(Double(logVariances[i])) / n
      logVariance += Double(logVariances[i]) / n
    }
    var matrix = [Double](repeating: 0, count: d * d)
    let strip = 4096
    for first in stride(from: 0, to: count, by: strip) {
      let rows = min(strip, count - first)
      let centred = (0..<rows * d).map { Double(means[first * d + $0]) - mean[$0 % d] }
      Double.matrixProduct(true, false, d, d, rows, centred, d, centred, d, 1, &matrix, d)
    }
    for i in matrix.indices { matrix[i] /= n }
    for k in 0..<d { matrix[k * d + k] += variance[k] }
    let diagonal = (0..<d).map { matrix[$0 * d + $0] }
    let logDiagonal = diagonal.reduce(0) { $0 + log($1) }
    let dependence = GaussianDependence.totalCorrelation(matrix, size: d)
    // log det Σ = Σ_d log Σ_dd − 2 TC.
    mutualInformation = dependence.map { 0.5 * (logDiagonal - logVariance) - $0 }
    totalCorrelation = dependence
    let squares = mean.reduce(0) { $0 + $1 * $1 }
    dimensionWiseKL = 0.5 * (diagonal.reduce(0, +) + squares - Double(d) - logDiagonal)
  }
}
