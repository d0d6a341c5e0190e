import Diagnostics
import Foundation
import RateDecomposition
import TensorCore
import Testing

@Suite("Scores of images")
struct ImageScoreTests {
  private func score(_ model: LinearVAE, _ row: Int, samples: Int, seed: UInt64 = 0) throws -> ImageScore {
    let posterior = try model.posterior()
    var noise = RandomStream(seed: seed).split("test", row)
    let codes = posterior.codes(at: row, count: samples, noise: &noise)
    let logLikelihoods = (0..<samples).map { k in
      model.logLikelihood(model.images[row], [Double(codes[2 * k]), Double(codes[2 * k + 1])])
    }
    return try ImageScore(of: posterior, row: row, codes: codes, logLikelihoods: logLikelihoods)
  }

  @Test("with the true posterior every code gives −log p(x)", arguments: [1, 50])
  func perfect(samples: Int) throws {
    let model = LinearVAE(images: 4, seed: 3)
    for (row, x) in model.images.enumerated() {
      let score = try score(model, row, samples: samples)
      // The posterior is rounded to single precision.
      #expect(abs(score.negativeLogLikelihood.value + model.logMarginal(x)) < 1e-5)
      #expect(abs(score.effectiveSampleSize - Double(samples)) < 1e-6 * Double(samples))
    }
  }

  @Test("with another posterior −log p(x) is met, and −ELBO lies above it by KL(q(z|x) ‖ p(z|x))")
  func closedForm() throws {
    let model = LinearVAE(images: 20, seed: 4, shift: 0.4, stretch: 1.3)
    for (row, x) in model.images.enumerated() {
      let score = try score(model, row, samples: 4_000), exact = -model.logMarginal(x)
      let error = try #require(score.negativeLogLikelihood.standardError)
      // Twenty images at four and a half standard errors: a chance of 1e-4 for another seed.
      #expect(abs(score.negativeLogLikelihood.value - exact) < 4.5 * error)
      let elboError = try #require(score.reconstruction.standardError)
      #expect(abs(score.negativeELBO - exact - model.gap) < 4.5 * elboError)
      #expect(score.negativeELBO == score.reconstruction.value + score.kl)
    }
  }

  @Test("the KL is the closed form")
  func divergence() throws {
    let posterior = try PosteriorTable(
      means: [9, 9, 1, -2] as [Float], logVariances: [0, 0, 0.5, -1] as [Float], latents: 2)
    let expected = 0.5 * ((1 + exp(0.5) - 0.5 - 1) + (4 + exp(-1.0) + 1 - 1))
    #expect(abs(posterior.rate(at: 1) - expected) < 1e-12)
  }

  @Test("a likelihood that is not finite is an error")
  func notFinite() throws {
    let posterior = try PosteriorTable(means: [0] as [Float], logVariances: [0] as [Float], latents: 1)
    let error = #expect(throws: StructuredError.self) {
      try ImageScore(of: posterior, row: 0, codes: [0, 1], logLikelihoods: [-1, .nan])
    }
    #expect(error?.what == "log p(x|z) is not finite for every code")
  }
}
