import Foundation
import RateDecomposition
import TensorCore
import TestSupport
import Testing

@Suite("Dependence of Gaussians")
struct GaussianDependenceTests {
  @Test("The Wasserstein distance of two variables, in closed form", arguments: [0, 0.3, -0.8, 0.999])
  func two(correlation: Double) {
    // D^½ Σ D^½ of Σ = [[1, ρ], [ρ, 1]] is Σ, with eigenvalues 1 ± ρ.
    let expected = 4 - 2 * ((1 + correlation).squareRoot() + (1 - correlation).squareRoot())
    let value = GaussianDependence.squaredWasserstein([1, correlation, correlation, 1], size: 2)
    #expect(abs(value - expected) < 1e-12)
  }

  @Test("The Wasserstein distance of a matrix with known eigenvalues and no symmetry between its variables")
  func rotated() {
    // P = Q diag(λ) Qᵀ with the rotation Q of the quaternion (1, 2, 3, 4), times 30.
    let q: [[Double]] = [[-20, 4, 22], [20, -10, 20], [10, 28, 4]]
    let values: [Double] = [0.25, 4, 9]
    var product = [[Double]](repeating: [0, 0, 0], count: 3)
    for i in 0..<3 {
      for j in 0..<3 {
        for k in 0..<3 { product[i][j] += q[i][k] * values[k] * q[j][k] / 900 }
      }
    }
    // P is D^½ Σ D^½ with D = diag Σ: P_ii = Σ_ii².
    let diagonal: [Double] = (0..<3).map { product[$0][$0].squareRoot() }
    var covariance: [Double] = []
    for i in 0..<3 { for j in 0..<3 { covariance.append(product[i][j] / (diagonal[i] * diagonal[j]).squareRoot()) } }
    let roots: Double = 0.5 + 2 + 3
    let expected: Double = 2 * diagonal.reduce(0, +) - 2 * roots
    let found = GaussianDependence.squaredWasserstein(covariance, size: 3)
    #expect(relativeDifference(found, expected) < 1e-12)
  }

  @Test("A singular covariance has a distance too")
  func singular() {
    // Two equal variables: 4 − 2·√2.
    #expect(abs(GaussianDependence.squaredWasserstein([1, 1, 1, 1], size: 2) - (4 - 2 * 2.0.squareRoot())) < 1e-12)
  }
}
