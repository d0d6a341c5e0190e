import Diagnostics
import Foundation
import RateDecomposition
import TensorCore
import Testing

@Suite("Pairwise and per-latent information")
struct PairwiseInformationTests {
  let device = Device(threads: 2)

  private func pairs(_ posterior: PosteriorTable, samples: Int = 2_000, seed: UInt64 = 0) throws -> PairwiseInformation
  {
    var options = PairwiseInformation.Options()
    (options.samples, options.seed) = (samples, seed)
    return try PairwiseInformation(of: IntegratedPosterior(posterior, on: device), options: options)
  }

  @Test("linear-Gaussian encoders meet −½ log(1 − ρ²) for every pair")
  func linearGaussian() throws {
    let model = LinearGaussian.example, count = 16_384
    let results = try (0..<8).map {
      try pairs(model.posterior(count: count, seed: UInt64(50 + $0)), samples: 1_000, seed: UInt64($0))
    }
    let s = model.covariance
    for i in 0..<model.d {
      for j in 0..<model.d where j != i {
        let expected = -0.5 * log(1 - s[i][j] * s[i][j] / (s[i][i] * s[j][j]))
        // A finite set's own bias is of the order (number of moments)/N.
        expectValue("(\(i), \(j))", results.map { $0[i, j]?.value ?? .nan }, expected, bias: 4 / Double(count))
      }
      #expect(results[0][i, i] == nil)
    }
    #expect(results[0].pairs.map(\.first) == [0, 0, 1] && results[0].pairs.map(\.second) == [1, 2, 2])
  }

  @Test("standard errors are those seen over repeated seeds")
  func honest() throws {
    let posterior = try LinearGaussian.example.posterior(count: 1_000, seed: 3)
    let results = try (0..<60).map { try pairs(posterior, samples: 500, seed: UInt64($0)) }
    for p in results[0].pairs.indices {
      expectCalibrated("pair \(p)", results.map { $0.pairs[p].mutualInformation })
    }
  }

  /// All combinations of the values of two dimensions: q(z₀, z₁) is a product.
  private func grid() throws -> PosteriorTable {
    var means: [Double] = [], logVariances: [Double] = []
    for a in 0..<20 {
      for b in 0..<30 {
        means += [0.2 * Double(a), sin(Double(b))]
        logVariances += [-2 + 0.05 * Double(a), -3 + 0.02 * Double(b)]
      }
    }
    return try PosteriorTable(means: means, logVariances: logVariances, latents: 2)
  }

  @Test("independent latents share nothing, and nothing is left to chance")
  func independent() throws {
    let estimate = try #require(try pairs(grid(), samples: 500)[0, 1])
    // Rounding of single precision.
    #expect(abs(estimate.value) < 1e-5)
    #expect((estimate.standardError ?? 1) < 1e-5)
  }

  @Test("two latents that tell the same two groups apart share log 2")
  func duplicated() throws {
    let posterior = try PosteriorTable(
      means: [10, 10, 0, -10, -10, 0], logVariances: [Double](repeating: log(0.3), count: 6), latents: 3)
    let result = try pairs(posterior, samples: 500)
    #expect(abs((result[0, 1]?.value ?? 0) - log(2)) < 1e-5)
    #expect(abs(result[0, 2]?.value ?? 1) < 1e-5 && abs(result[2, 1]?.value ?? 1) < 1e-5)
  }

  @Test("posteriors too narrow to integrate are measured by sampling")
  func spikes() throws {
    let means = (0..<64).flatMap { [Double($0), Double($0 % 8)] }
    let posterior = try PosteriorTable(
      means: means, logVariances: [Double](repeating: -60, count: 128), latents: 2)
    let integrated = IntegratedPosterior(posterior, on: device)
    let pair = try #require(try pairs(posterior)[0, 1])
    // z₁ is told by z₀: I = H(z₁) = log 8; each sample says exactly that.
    #expect(abs(pair.value - log(8)) < 1e-4)
    let latents = LatentInformation(of: integrated, samples: 1_000, seed: 2)
    #expect(latents.samples == 1_000)
    let first = latents.latents[0].mutualInformation
    #expect(abs(first.value - log(64)) < 4 * (first.standardError ?? 0) + 1e-4)
    #expect((first.standardError ?? 0) > 0)
  }

  @Test("of many latents those with the largest KL are paired")
  func many() throws {
    let posterior = try syntheticPosterior(count: 100, d: 9, informative: 4, seed: 5)
    var options = PairwiseInformation.Options()
    (options.samples, options.largestCount) = (50, 4)
    let result = try PairwiseInformation(of: IntegratedPosterior(posterior, on: device), options: options)
    #expect(result.paired == [0, 1, 2, 3] && result.pairs.count == 6 && result.latents == 9)
    #expect(result[3, 1] == result.pairs[4].mutualInformation && result[0, 8] == nil)
  }

  @Test("one latent has no pairs; no samples are refused")
  func single() throws {
    let posterior = try syntheticPosterior(count: 50, d: 1, informative: 1, seed: 6)
    #expect(try pairs(posterior).pairs.isEmpty)
    #expect(throws: StructuredError.self) { try pairs(posterior, samples: 0) }
  }

  @Test("each latent's information is its entropy less that given the image, and its KL less that of the marginal")
  func latents() throws {
    let posterior = try LinearGaussian.example.posterior(count: 2_000, seed: 7)
    let integrated = IntegratedPosterior(posterior, on: device)
    let result = LatentInformation(of: integrated)
    let decomposition = try RateDecomposition(of: integrated, options: options(samples: 500))
    #expect(result.samples == 0)
    for latent in result.latents {
      #expect(latent.kl == decomposition.klPerDimension[latent.latent])
      #expect(abs(latent.kl - latent.marginalKL.value - latent.mutualInformation.value) < 1e-9)
      #expect(latent.entropy.standardError == 0 && latent.isActive)
    }
    // Σ I(x; z_d) = I(x; z) + TC.
    let sum = result.latents.reduce(0) { $0 + $1.mutualInformation.value }
    #expect(abs(sum - decomposition.mutualInformation.value - decomposition.totalCorrelation.value) < 1e-9)
    #expect(result.byKL.map(\.kl) == decomposition.klPerDimension.sorted(by: >))
  }

  @Test("mean and standard deviation are those of the aggregate posterior's marginals")
  func moments() throws {
    let posterior = try PosteriorTable(
      means: [1, 0, 3, 0], logVariances: [log(0.5), 0, log(1.5), 0], latents: 2)
    let latents = LatentInformation(of: IntegratedPosterior(posterior, on: device)).latents
    // Between: variance 1; within: mean variance 1.
    #expect(latents[0].mean == 2 && abs(latents[0].standardDeviation - 2.0.squareRoot()) < 1e-6)
    #expect(latents[1].mean == 0 && latents[1].standardDeviation == 1 && !latents[1].isActive)
  }

  @Test("the results read back from their JSON, with names of the contract")
  func json() throws {
    let posterior = try LinearGaussian.example.posterior(count: 100, seed: 8)
    let result = try pairs(posterior, samples: 40),
      latents = LatentInformation(of: IntegratedPosterior(posterior, on: device))
    let data = try JSONEncoder().encode(result)
    #expect(try JSONDecoder().decode(PairwiseInformation.self, from: data) == result)
    let text = String(decoding: data, as: UTF8.self)
    for name in ["units", "data_points", "samples", "mutual_information", "standard_error"] {
      #expect(text.contains("\"\(name)\""))
    }
    #expect(try JSONDecoder().decode(LatentInformation.self, from: JSONEncoder().encode(latents)) == latents)
  }
}
