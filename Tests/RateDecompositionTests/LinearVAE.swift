import Foundation
import RateDecomposition
import TensorCore

/// A VAE whose decoder is linear: z ~ N(0, I₂), x = Wz + sε in five dimensions, the columns of W orthogonal. Then p(z|x)
/// is a diagonal Gaussian, and log p(x) = log p(x|z) + log p(z) − log p(z|x) at any z.
struct LinearVAE {
  let columns = [[1.0, 0.5, 0, -0.5, 0], [0, 0.6, 1.2, 0.6, 0]]
  let s = 0.8
  /// The images, `[n][5]`.
  var images: [[Double]] = []
  /// By how much q's means are off, in posterior standard deviations, and the factor of its variances.
  var shift = 0.0, stretch = 1.0

  init(images count: Int, seed: UInt64, shift: Double = 0, stretch: Double = 1) {
    (self.shift, self.stretch) = (shift, stretch)
    var stream = RandomStream(seed: seed)
    for _ in 0..<count {
      let z = stream.normalPair()
      images.append((0..<5).map { columns[0][$0] * z.0 + columns[1][$0] * z.1 + s * stream.normalPair().0 })
    }
  }

  static func logNormal(_ x: Double, _ mean: Double, _ variance: Double) -> Double {
    -0.5 * ((x - mean) * (x - mean) / variance + log(2 * Double.pi * variance))
  }

  func logLikelihood(_ x: [Double], _ z: [Double]) -> Double {
    (0..<5).reduce(0) { $0 + Self.logNormal(x[$1], columns[0][$1] * z[0] + columns[1][$1] * z[1], s * s) }
  }

  /// Means and variances of p(z|x), `[2]`.
  func truth(_ x: [Double]) -> [(mean: Double, variance: Double)] {
    columns.map { w in
      let variance = 1 / (1 + w.reduce(0) { $0 + $1 * $1 } / (s * s))
      return (variance * zip(w, x).reduce(0) { $0 + $1.0 * $1.1 } / (s * s), variance)
    }
  }

  func logMarginal(_ x: [Double]) -> Double {
    let truth = truth(x), z = truth.map(\.mean)
    return logLikelihood(x, z)
      + (0..<2).reduce(0) {
        $0 + Self.logNormal(z[$1], 0, 1) - Self.logNormal(z[$1], z[$1], truth[$1].variance)
      }
  }

  /// KL(q(z|x) ‖ p(z|x)), the same for all x.
  var gap: Double { 2 * 0.5 * (stretch + shift * shift - 1 - log(stretch)) }

  func posterior() throws -> PosteriorTable {
    let rows = images.map { truth($0) }
    return try PosteriorTable(
      means: rows.flatMap { $0.map { $0.mean + shift * $0.variance.squareRoot() } },
      logVariances: rows.flatMap { $0.map { log(stretch * $0.variance) } }, latents: 2)
  }

  func measure(samples: Int, seed: UInt64 = 0) throws -> MarginalLikelihood {
    var options = MarginalLikelihood.Options()
    (options.samples, options.seed) = (samples, seed)
    func code(_ codes: [Float], _ k: Int) -> [Double] { [Double(codes[2 * k]), Double(codes[2 * k + 1])] }
    return try MarginalLikelihood(
      of: posterior(), indices: images.indices.map { 100 + $0 }, options: options,
      likelihood: { row, codes in (0..<codes.count / 2).map { logLikelihood(images[row], code(codes, $0)) } },
      likelihoods: { codes in
        (0..<codes.count / 2).flatMap { k in images.map { logLikelihood($0, code(codes, k)) } }
      })
  }
}
