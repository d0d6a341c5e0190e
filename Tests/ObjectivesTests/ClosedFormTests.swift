import Autodiff
import Diagnostics
import FileFormats
import Foundation
import NeuralLayers
import Objectives
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

/// Objectives where their value is known.
@Suite("Objectives in closed form")
struct ClosedFormTests {
  private let device = Device(threads: 1)

  private func step(
    _ posterior: DiagonalGaussian, codes: Variable<Float>, stream: RandomStream = RandomStream(seed: 0), pass: Pass,
    distortionsOf: @escaping (Variable<Float>) -> Variable<Float> = { $0.sum(axis: 1, keepingAxis: false) * 0 }
  ) -> TrainingStep {
    fixedStep(
      images: codes.value, posterior: posterior, codes: codes, step: 0, dataCount: 100, stream: stream, pass: pass,
      distortionsOf: distortionsOf, output: { codes })
  }

  @Test("Dual ascent raises β while the rate is above δ, and lowers it below", arguments: ["additive", "exponential"])
  func ascent(kind: String) throws {
    let pass = Pass.evaluation(on: device), shape: Shape = [4, 2]
    func beta(mean: Float) throws -> (before: Double, after: Double) {
      // The rate of N(m, 1) in two latents is m².
      let posterior = DiagonalGaussian(
        mean: Variable(Tensor(repeating: mean, shape, on: device)),
        logVariance: Variable(Tensor(repeating: 0, shape, on: device)))
      let step = step(posterior, codes: posterior.mean, pass: pass)
      let objective = try ObjectiveSection.objective(
        "{name: constrained-vae, delta: 1, ascent: \(kind)}", latents: 2, on: device)
      let before = try #require(objective.state["beta"]?[0])
      objective.update(after: step, try objective.loss(of: step))
      return (before, try #require(objective.state["beta"]?[0]))
    }
    let above = try beta(mean: 2), below = try beta(mean: 0.5), at = try beta(mean: 1)
    #expect(above.after > above.before && below.after < below.before)
    #expect(abs(at.after - at.before) < 1e-6)
  }

  @Test("DIP-VAE of a batch whose covariance is known", arguments: ["i", "ii"])
  func covariance(variant: String) throws {
    // Orthogonal columns of mean 0 and mean square 1, times A: the covariance of the means is AᵀA.
    let columns: [[Float]] = [[1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]
    let a: [[Float]] = [[1, 0, 0], [0.5, 2, 0], [0, -1, 0.25]]
    let means = (0..<4).flatMap { row in
      (0..<3).map { column in (0..<3).reduce(Float(7)) { $0 + columns[$1][row] * a[$1][column] } }
    }
    let variances: [Double] = [0.5, 1, 2]
    let logVariances = (0..<12).map { Float(log(variances[$0 % 3])) }
    let posterior = DiagonalGaussian(
      mean: Variable(Tensor(means, [4, 3], on: device)),
      logVariance: Variable(Tensor(logVariances, [4, 3], on: device)))
    var expected = (0.0, 0.0)
    for i in 0..<3 {
      for j in 0..<3 {
        let covariance = (0..<3).reduce(0.0) { $0 + Double(a[$1][i] * a[$1][j]) }
        if i != j {
          expected.0 += covariance * covariance
        } else {
          let diagonal = covariance + (variant == "ii" ? variances[i] : 0) - 1
          expected.1 += diagonal * diagonal
        }
      }
    }
    let pass = Pass.evaluation(on: device)
    let loss = try ObjectiveSection.objective(
      "{name: dip-vae, variant: \(variant), lambda_od: 2, lambda_d: 3}", latents: 3, on: device
    ).loss(of: step(posterior, codes: posterior.mean, pass: pass))
    let values = try ["covariance_off_diagonal", "covariance_diagonal"].map {
      Double(try #require(loss[$0]).value.scalar)
    }
    #expect(relativeDifference(values, [expected.0, expected.1]) < 1e-5)
    let rate = Double(posterior.rate.scalar)
    #expect(relativeDifference(Double(loss.total.scalar), rate + 2 * expected.0 + 3 * expected.1) < 1e-5)
  }

  @Test(
    "The unbiased MMD² of two Gaussians is right on average, and the biased one too large",
    arguments: ["unbiased", "biased"])
  func discrepancy(estimator: String) throws {
    let (mean, variance, latents, batch, repeats) = (0.7, 0.25, 2, 16, 400)
    let h = Double(4 * latents)
    // E exp(−Δ²/h) of Δ ~ N(m, v), in each dimension.
    func kernel(_ m: Double, _ v: Double) -> Double { exp(-m * m / (h + 2 * v)) / (1 + 2 * v / h).squareRoot() }
    func power(_ x: Double) -> Double { pow(x, Double(latents)) }
    let (codes, prior, cross) = (power(kernel(0, 2 * variance)), power(kernel(0, 2)), power(kernel(mean, variance + 1)))
    var expected = codes + prior - 2 * cross
    // The diagonal holds ones.
    if estimator == "biased" { expected += (2 - codes - prior) / Double(batch) }
    let discrepancy = try ConfigurationDocument(
      yaml: "{kernel: gaussian, bandwidth: 4d, estimator: \(estimator)}", source: "test"
    ).decode(MaximumMeanDiscrepancy.self).value
    var stream = RandomStream(seed: 4)
    let values = (0..<repeats).map { _ in
      let z = stream.normalTensor([batch, latents], on: device)
        .affine(scale: Float(variance.squareRoot()), shift: Float(mean))
      return Double(discrepancy.value(of: Variable(z), and: stream.normalTensor([batch, latents], on: device)).scalar)
    }
    let average = values.reduce(0, +) / Double(repeats)
    let spread = values.reduce(0) { $0 + ($1 - average) * ($1 - average) } / Double(repeats - 1)
    #expect(abs(average - expected) < 4 * (spread / Double(repeats)).squareRoot(), "\(average), not \(expected)")
  }

  @Test("Ada-GVAE and Ada-ML-VAE average the latents that a pair of posteriors shares, and no others")
  func adaptive() throws {
    // The first latent is the same, the second nearly, the third far away.
    func posterior(_ mean: [Float], _ variance: [Double]) -> DiagonalGaussian {
      DiagonalGaussian(
        mean: Variable(Tensor(mean, [1, 3], on: device)),
        logVariance: Variable(Tensor(variance.map { Float(log($0)) }, [1, 3], on: device)))
    }
    let a = posterior([1, 0, 0], [0.5, 1, 1]), b = posterior([1, 0.4, 9], [0.5, 3, 0.5])
    let expected: [(PosteriorAveraging, mean: [Double], variance: [Double])] = [
      (.means, [1, 0.2, 0], [0.5, 2, 1]), (.harmonic, [1, 0.1, 0], [0.5, 1.5, 1]),
      (.product, [1, 0.1, 0], [0.25, 0.75, 1]),
    ]
    for distance in PosteriorDistance.allCases {
      let shared = distance.shared(a, b)
      #expect(shared.elements == [1, 1, 0])
      for (averaging, mean, variance) in expected {
        let (first, second) = averaging.average((a, b), shared: shared)
        #expect(absoluteDifference(first.mean.value.elements, mean) < 1e-6)
        #expect(relativeDifference(first.logVariance.value.elements.map { exp(Double($0)) }, variance) < 1e-6)
        #expect(
          second.mean.value.elements[2] == 9
            && Array(second.mean.value.elements.prefix(2)) == Array(first.mean.value.elements.prefix(2)))
      }
    }
  }

  @Test("The loss of a pair is the mean of its two images' losses")
  func pairs() throws {
    let pass = Pass.evaluation(on: device)
    var stream = RandomStream(seed: 7)
    func posterior() -> DiagonalGaussian {
      DiagonalGaussian(
        mean: Variable(stream.normalTensor([5, 3], on: device)),
        logVariance: Variable(stream.normalTensor([5, 3], on: device)))
    }
    let (first, second) = (posterior(), posterior()), images = second.mean.value
    let objective = try ObjectiveSection.objective("{name: gvae, beta: 3, other_latents: own}", latents: 3, on: device)
    // Nothing is shared: each image has a β-VAE's loss.
    let loss = try objective.loss(
      of: fixedStep(
        images: first.mean.value, posterior: first, otherPosterior: second, codes: first.mean,
        pairs: PairedImages(second: images, shared: [Bool](repeating: false, count: 10), factors: 2), step: 0,
        dataCount: 9,
        stream: RandomStream(seed: 2), pass: pass, distortionsOf: { $0.sum(axis: 1, keepingAxis: false) },
        output: { first.mean }))
    // The draws of a step have streams of their own.
    let noise = RandomStream(seed: 2), streams = [noise, noise.split("draw", 1)]
    let sums = zip([first, second], streams).map { posterior, stream in
      var stream = stream
      return posterior.sample(noise: stream.normalTensor([5, 3], on: device)).sum().scalar / 5
    }
    let rates = [first.rate.scalar, second.rate.scalar]
    #expect(relativeDifference(loss.total.scalar, (sums[0] + sums[1]) / 2 + 3 * (rates[0] + rates[1]) / 2) < 1e-5)
    #expect(loss.observations.first?.value == 0)
  }

  @Test("GVAE's latents stand for the factors that vary; others are shared or not")
  func knownFactors() throws {
    let pairs = PairedImages(
      second: Tensor(repeating: 0, [2, 1], on: device), shared: [true, false, true, false, true, true], factors: 3,
      varying: [1, 2])
    #expect(try GroupVAE.mask(pairs, latents: 4, .shared) == [0, 1, 1, 1, 1, 1, 1, 1])
    #expect(try GroupVAE.mask(pairs, latents: 4, .own) == [0, 1, 0, 0, 1, 1, 0, 0])
    let error = #expect(throws: StructuredError.self) { try GroupVAE.mask(pairs, latents: 1, .shared) }
    #expect(error?.what == "there are 2 factors and 1 latent" && error?.location == "model.latents")
  }

  @Test("With one code an image IWAE's loss is the sampled ELBO's")
  func oneSample() throws {
    let pass = Pass.evaluation(on: device)
    var stream = RandomStream(seed: 9)
    let posterior = DiagonalGaussian(
      mean: Variable(stream.normalTensor([6, 3], on: device)),
      logVariance: Variable(stream.normalTensor([6, 3], on: device)))
    let codes = posterior.sample(noise: stream.normalTensor([6, 3], on: device))
    func distortions(_ z: Variable<Float>) -> Variable<Float> { z.squared().sum(axis: 1, keepingAxis: false) }
    let loss = try ObjectiveSection.objective("{name: iwae, samples: 1}", latents: 3, on: device)
      .loss(of: step(posterior, codes: codes, pass: pass, distortionsOf: distortions))
    let elbo = (posterior.logDensity(of: codes) - standardNormalLogDensity(of: codes) + distortions(codes)).mean()
    #expect(relativeDifference(loss.total.scalar, elbo.scalar) < 1e-5)
  }

  @Test("On a linear VAE the bound grows with k, below log p(x), as in the golden set `likelihood`")
  func bounds() throws {
    let file = try HDF5File(reading: Golden.path("likelihood/likelihood.h5"))
    func tensor(_ name: String) throws -> Tensor<Float> {
      let (values, shape) = try file.read("linear/\(name)", as: Float.self)
      return Tensor(values, Shape(shape), on: device)
    }
    func doubles(_ name: String) throws -> [Double] { try file.read("linear/\(name)", as: Double.self).values }
    let (weights, bias, images) = (try tensor("W"), try tensor("b"), try tensor("x")), s = Float(try doubles("s")[0])
    let posterior = DiagonalGaussian(mean: Variable(try tensor("mu")), logVariance: Variable(try tensor("logvar")))
    let constant = Float(10 * log(2 * Double.pi * Double(s) * Double(s)))
    let counts = try file.read("linear/iwae_k", as: Int.self).values, reference = try doubles("iwae_bound")
    var last = -Double.infinity
    for (row, k) in counts.enumerated() {
      let objective = try ObjectiveSection.objective("{name: iwae, samples: \(k)}", latents: 5, on: device)
      let repeats = 4000 / k
      let values = try (0..<repeats).map { number in
        var noise = RandomStream(seed: UInt64(number))
        let codes = posterior.sample(noise: noise.normalTensor([8, 5], on: device))
        let step = step(
          posterior, codes: codes, stream: RandomStream(seed: UInt64(number)), pass: .evaluation(on: device),
          distortionsOf: { z in
            let x = Variable(images).reshaped([8, 1, 20]), samples = z.shape[0] / 8
            let output = (z.times(Variable(weights).transposed()) + Variable(bias)).reshaped([8, samples, 20])
            return ((output - x).squared() * (0.5 / (s * s))).sum(axis: 2, keepingAxis: false).reshaped([8 * samples])
              + constant
          })
        return -Double(try objective.loss(of: step).total.scalar)
      }
      let average = values.reduce(0, +) / Double(repeats)
      let error = (values.reduce(0) { $0 + ($1 - average) * ($1 - average) } / Double(repeats * (repeats - 1)))
        .squareRoot()
      let expected = reference[row * 8..<(row + 1) * 8].reduce(0, +) / 8
      // The reference has errors of some 0.01 for each of eight images.
      #expect(
        abs(average - expected) < 4 * (error * error + 1e-4 / 8).squareRoot(), "k = \(k): \(average), not \(expected)")
      #expect(average > last - 4 * error)
      #expect(average < (try doubles("log_p")).reduce(0, +) / 8 + 4 * error)
      last = average
    }
    #expect(last > reference[0..<8].reduce(0, +) / 8 + 0.1, "many codes give a tighter bound than one")
  }

  @Test("A support that is a product is at distance 0, and a diagonal one at the square of its gap")
  func support() throws {
    func distance(_ codes: [Float]) -> Float {
      HausdorffFactorizedSupport.distance(of: Variable(Tensor(codes, [codes.count / 2, 2], on: device)), [(0, 1)]).value
        .elements[0]
    }
    #expect(distance([0, 0, 0, 1, 2, 0, 2, 1]) == 0)
    // Of the product of {0, 3} and {0, 4} the corners (0, 4) and (3, 0) are missing: the nearest codes are 3 away.
    #expect(distance([0, 0, 3, 4]) == 9)
    #expect(distance([5, 5]) == 0)
  }

  @Test("Supports are compared in as many pairs of latents as the setting says, or in all")
  func supportPairs() throws {
    var stream = RandomStream(seed: 2)
    let codes = Variable(stream.normalTensor([12, 4], on: device)), pass = Pass.evaluation(on: device)
    let pairs = (0..<4).flatMap { first in (first + 1..<4).map { (first, $0) } }
    let distances = HausdorffFactorizedSupport.distance(of: codes, pairs).value.elements
    let posterior = DiagonalGaussian(mean: codes, logVariance: codes * 0)
    func distance(_ pairs: Int) throws -> Float {
      let objective = try ObjectiveSection.objective("{name: hfs, pairs: \(pairs)}", latents: 4, on: device)
      let loss = try objective.loss(of: step(posterior, codes: codes, pass: pass))
      return try #require(loss["support_distance"]).value.scalar
    }
    let one = try distance(1)
    #expect(distances.contains { abs($0 - one) < 1e-6 })
    #expect(abs(try distance(100) - distances.reduce(0, +)) < 1e-5)
  }

  @Test("The farthest point is that of a search through everything")
  func farthest() throws {
    var stream = RandomStream(seed: 3)
    for count in [1, 2, 5, 17, 40] {
      let values = stream.normalTensor([count, 3], on: device).elements
      for pair in [(0, 1), (2, 0)] {
        var best = -1.0
        for i in 0..<count {
          for j in 0..<count {
            let nearest =
              (0..<count).map { k in
                let dx = Double(values[3 * i + pair.0]) - Double(values[3 * k + pair.0])
                let dy = Double(values[3 * j + pair.1]) - Double(values[3 * k + pair.1])
                return dx * dx + dy * dy
              }.min() ?? 0
            best = max(best, nearest)
          }
        }
        let found = HausdorffFactorizedSupport.farthest(values, count, 3, pair)
        let dx = Double(values[3 * found.first + pair.0]) - Double(values[3 * found.nearest + pair.0])
        let dy = Double(values[3 * found.second + pair.1]) - Double(values[3 * found.nearest + pair.1])
        #expect(abs(dx * dx + dy * dy - best) <= 1e-6 * best, "\(count) codes")
      }
    }
  }

  @Test("Codes that are not numbers do not end the search in a crash")
  func notNumbers() {
    for values in [[Float](repeating: .nan, count: 8), [0, .nan, .nan, 1, 2, .infinity, -.infinity, 0]] {
      let found = HausdorffFactorizedSupport.farthest(values, 4, 2, (0, 1))
      #expect((0..<4).contains(found.first) && (0..<4).contains(found.second) && (0..<4).contains(found.nearest))
    }
  }
}
