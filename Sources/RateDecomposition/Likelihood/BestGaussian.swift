import Foundation
import TensorCore

/// The diagonal Gaussian q*(z) = N(m, diag v) with the highest ELBO of an image: what the best of all encoders would give
/// (Cremer et al. 2018, arXiv:1801.03558).
///
/// At the optimum, with ℓ(z) = log p(x|z),
///
///     m_d = E_q*[∂ℓ/∂z_d],   1/v_d = 1 − E_q*[∂²ℓ/∂z_d²],   E_q[∂²ℓ/∂z_d²] = E_q[∂ℓ/∂z_d · (z_d − m_d)/v_d]
///
/// Steps of natural gradient go there (Khan & Lin 2017, arXiv:1703.04265, Eq. 12), with pairs of codes on both sides of the
/// mean. At first they are large; then every step is averaged with those before, so that the noise of its codes goes down.
struct BestGaussian {
  struct Options: Sendable, Equatable {
    /// Codes for each image and step, an even number.
    var samples = 16
    /// Steps.
    var steps = 120
    /// The decoder's evaluations for an image.
    var evaluations: Int { steps * samples }
  }

  /// m and log v, `[images, D]`.
  let posterior: PosteriorTable

  init(
    from start: PosteriorTable, indices: [Int], options: Options = Options(), stream: RandomStream,
    _ likelihood: CodeLikelihood
  ) throws {
    let d = start.latents, count = start.count, half = options.samples / 2
    let rows = (0..<count).flatMap { [Int](repeating: $0, count: 2 * half) }
    var means = start.means.map(Double.init), precisions = start.logVariances.map { exp(-Double($0)) }
    var streams = indices.map { stream.split("best gaussian", $0) }
    let burnIn = options.steps / 3
    for step in 0..<options.steps {
      let rate = step < burnIn ? Self.firstRate : max(1 / Double(step - burnIn + 1 + Int(1 / Self.firstRate)), 1e-3)
      var noise = [Double](repeating: 0, count: count * half * d)
      for i in 0..<count {
        noise.withUnsafeMutableBufferPointer {
          streams[i].fillNormal(UnsafeMutableBufferPointer(rebasing: $0[i * half * d..<(i + 1) * half * d]))
        }
      }
      var codes = [Double](repeating: 0, count: rows.count * d)
      for i in 0..<count {
        for k in 0..<half {
          for j in 0..<d {
            let e = noise[(i * half + k) * d + j] / precisions[i * d + j].squareRoot()
            codes[((2 * (i * half + k))) * d + j] = means[i * d + j] + e
            codes[((2 * (i * half + k)) + 1) * d + j] = means[i * d + j] - e
          }
        }
      }
      let gradients = try likelihood(codes, rows).gradients
      for i in 0..<count {
        for j in 0..<d {
          var slope = 0.0, curvature = 0.0
          for k in 0..<half {
            let place = 2 * (i * half + k) * d + j
            let (up, down) = (gradients[place], gradients[place + d])
            slope += (up + down) / 2
            curvature += (up - down) / 2 * noise[(i * half + k) * d + j]
          }
          slope /= Double(half)
          curvature *= precisions[i * d + j].squareRoot() / Double(half)
          let (m, p) = (means[i * d + j], precisions[i * d + j])
          guard slope.isFinite, curvature.isFinite else { continue }
          let precision = max((1 - rate) * p + rate * (1 - curvature), Self.leastPrecision, p / 2)
          precisions[i * d + j] = precision
          // No step leaves what the Gaussian covers.
          let reach = 1 / precision.squareRoot()
          means[i * d + j] = m + min(max(rate * (slope - m) / precision, -reach), reach)
        }
      }
    }
    posterior = try PosteriorTable(means: means, logVariances: precisions.map { -log($0) }, latents: d)
  }

  private static let firstRate = 0.2
  /// A posterior may be wider than the prior, but not by any amount.
  private static let leastPrecision = 0.05
}
