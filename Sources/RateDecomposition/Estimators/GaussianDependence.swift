import Foundation

/// The dependence between the components of a Gaussian with a given covariance.
public enum GaussianDependence {
  /// The total correlation of N(0, Σ), in nats:
  ///
  ///     TC = ½ (Σ_d log Σ_dd − log det Σ) = −½ Σ_d log(1 − R_d²)
  ///
  /// where R_d² is the share of the variance of component d that a linear function of the components before it
  /// explains. 1 − R_d² are the squared pivots of Cholesky's decomposition of the correlation matrix.
  ///
  /// - Parameters:
  ///   - covariance: Σ, `[D, D]`, with positive diagonal.
  ///   - d: D.
  /// - Returns: nil if Σ is singular to rounding, so that the total correlation is infinite, or not finite.
  public static func totalCorrelation(_ covariance: [Double], size d: Int) -> Double? {
    let scale = (0..<d).map { covariance[$0 * d + $0].squareRoot() }
    var lower = (0..<d * d).map { covariance[$0] / (scale[$0 / d] * scale[$0 % d]) }
    var sum = 0.0
    for j in 0..<d {
      for k in 0..<j { lower[j * d + j] -= lower[j * d + k] * lower[j * d + k] }
      let unexplained = lower[j * d + j]
      // Rounding of D products of numbers of magnitude 1; false for NaN, too.
      guard unexplained > 1e-12 * Double(d), unexplained.isFinite else { return nil }
      sum += log(unexplained)
      let pivot = unexplained.squareRoot()
      for i in j + 1..<max(d, j + 1) {
        var value = lower[i * d + j]
        for k in 0..<j { value -= lower[i * d + k] * lower[j * d + k] }
        lower[i * d + j] = value / pivot
      }
    }
    return -0.5 * sum
  }

  /// The squared 2-Wasserstein distance between N(0, Σ) and N(0, diag Σ):
  ///
  ///     W² = 2 tr Σ − 2 tr (D^½ Σ D^½)^½,   D = diag Σ
  ///
  /// (Dowson and Landau 1982); also for singular Σ.
  public static func squaredWasserstein(_ covariance: [Double], size: Int) -> Double {
    let scale = (0..<size).map { max(covariance[$0 * size + $0], 0).squareRoot() }
    let product = (0..<size * size).map { covariance[$0] * scale[$0 / size] * scale[$0 % size] }
    let root = symmetricEigenvalues(product, size: size).reduce(0) { $0 + max($1, 0).squareRoot() }
    return max(0, 2 * scale.reduce(0) { $0 + $1 * $1 } - 2 * root)
  }
}

/// The eigenvalues of a symmetric matrix `[n, n]`, ascending, by Jacobi's rotations (Golub and Van Loan, §8.5).
func symmetricEigenvalues(_ matrix: [Double], size n: Int) -> [Double] {
  var a = matrix
  let total = a.reduce(0) { $0 + $1 * $1 }
  for _ in 0..<60 {
    var outside = 0.0
    for i in 0..<n { for j in 0..<i { outside += 2 * a[i * n + j] * a[i * n + j] } }
    guard outside > 1e-32 * total else { break }
    for p in 0..<n {
      for q in p + 1..<max(n, p + 1) where a[p * n + q] != 0 {
        let theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q])
        let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
        let c = 1 / (t * t + 1).squareRoot(), s = t * c
        for k in 0..<n {
          let x = a[k * n + p], y = a[k * n + q]
          a[k * n + p] = c * x - s * y
          a[k * n + q] = s * x + c * y
        }
        for k in 0..<n {
          let x = a[p * n + k], y = a[q * n + k]
          a[p * n + k] = c * x - s * y
          a[q * n + k] = s * x + c * y
        }
      }
    }
  }
  return (0..<n).map { a[$0 * n + $0] }.sorted()
}
