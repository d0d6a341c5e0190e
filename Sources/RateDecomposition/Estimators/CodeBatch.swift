import Foundation
import TensorCore

/// Distinct data points of a posterior, each with one code, as in a step of training.
struct CodeBatch: Sendable {
  /// z ~ q(z|x), `[B, D]`, rounded to single precision.
  let codes: [Double]
  /// μ, `[B, D]`.
  let means: [Double]
  /// log σ², `[B, D]`.
  let logVariances: [Double]
  /// D.
  let latents: Int

  /// B.
  var size: Int { codes.count / latents }

  /// Takes a batch, all `[B, D]`.
  init(codes: [Double], means: [Double], logVariances: [Double], latents: Int) {
    (self.codes, self.means, self.logVariances, self.latents) = (codes, means, logVariances, latents)
  }

  /// Draws a batch.
  init(of posterior: PosteriorTable, size: Int, from stream: RandomStream) {
    var choice = stream.split("data points"), noise = stream.split("noise")
    self.init(of: posterior, at: choice.distinct(size, below: posterior.count), noise: &noise)
  }

  /// Draws the codes of given data points.
  init(of posterior: PosteriorTable, at indices: [Int], noise: inout RandomStream) {
    let d = posterior.latents
    func rows(_ values: [Float]) -> [Double] {
      indices.flatMap { n in values[n * d..<(n + 1) * d].map { Double($0) } }
    }
    latents = d
    codes = AggregatePosterior.codes(of: posterior, at: indices, noise: &noise).map { Double($0) }
    means = rows(posterior.means)
    logVariances = rows(posterior.logVariances)
  }
}
