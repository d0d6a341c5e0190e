import Autodiff
import Diagnostics
import Experiment
import FactorData
import Foundation
import NeuralLayers
import RateDecomposition
import TensorCore
import TestSupport
import Testing

@Suite("Likelihoods of models")
struct LikelihoodTests {
  private static let likelihoods: [Likelihood] = [
    .bernoulli, .gaussian(standardDeviation: 0.5), .laplace(scale: 0.3),
  ]

  private func model(_ likelihood: Likelihood, threads: Int = 2) throws -> Model {
    let settings = try TrainerTests.configuration().value
    let model = try Model(
      settings.model.architecture, image: TinyDataset().imageShape, latents: 4, likelihood: likelihood,
      on: Device(threads: threads))
    model.parameters.initialize(.kaimingUniform, from: RandomStream(seed: 4))
    return model
  }

  @Test("gradients at codes are those of training, and of finite differences", arguments: likelihoods)
  func gradients(likelihood: Likelihood) throws {
    let model = try model(likelihood), images = try TinyDataset().batch([3, 17, 30], on: model.device)
    var stream = RandomStream(seed: 5)
    let codes = stream.normalTensor([300, 4], on: model.device), rows = (0..<300).map { $0 * 7 % 3 }
    let measured = try model.codeLikelihood(of: images).values(codes.elements.map(Double.init), rows)

    // A pass that trains the parameters takes the other way through the decoder.
    let pass = Pass(training: [model.parameters], mode: .evaluation, on: model.device)
    let z = pass.tape.track(codes)
    let targets = Tensor(
      rows.flatMap { images.rows($0..<$0 + 1).elements }, model.image.batch(300), on: model.device)
    let distortions = model.decoder.distortions(of: targets, from: z, likelihood, pass)
    let gradients = try pass.tape.backward(from: distortions.sum())[z]
    #expect(relativeDifference(measured.values, distortions.value.elements.map { -Double($0) }) < 1e-5)
    #expect(relativeDifference(measured.gradients, gradients.elements.map { -Double($0) }) < 1e-4)

    // Along a line, for the first image; single precision leaves four digits of a difference.
    let h = 0.02
    for d in 0..<4 {
      func value(_ step: Double) throws -> Double {
        var z = codes.elements.prefix(4).map(Double.init)
        z[d] += step
        return try model.codeLikelihood(of: images).values(z, [0]).values[0]
      }
      let slope = try (value(h) - value(-h)) / (2 * h), scale = worst(measured.gradients.prefix(4))
      #expect(abs(slope - measured.gradients[d]) < 0.02 * scale + 0.02, "\(slope), \(measured.gradients[d])")
    }
  }

  @Test("images drawn from p(x|z) have its mean and spread", arguments: likelihoods)
  func sampling(likelihood: Likelihood) throws {
    let device = Device(threads: 1), count = 200_000
    let output = Tensor<Float>(repeating: 0.7, [1, count], on: device)
    var stream = RandomStream(seed: 6)
    let values = likelihood.sample(output: output, from: &stream).elements.map(Double.init)
    let mean = Estimate(meanOf: values), p = 1 / (1 + exp(-0.7))
    let (center, variance) =
      switch likelihood {
      case .bernoulli: (p, p * (1 - p))
      case .gaussian(let deviation): (0.7, Double(deviation * deviation))
      case .laplace(let scale): (0.7, Double(2 * scale * scale))
      }
    let spread = Estimate(meanOf: values.map { ($0 - center) * ($0 - center) })
    #expect(abs(mean.value - center) < 4 * (mean.standardError ?? .nan) + 1e-6)
    #expect(abs(spread.value - variance) < 4 * (spread.standardError ?? .nan) + 1e-6)
    if likelihood == .bernoulli { #expect(Set(values) == [0, 1]) }
  }

  private func options() -> LikelihoodBounds.Options {
    var options = LikelihoodBounds.Options()
    (options.distributions, options.chains, options.isBidirectional, options.seed) = (40, 6, true, 2)
    return options
  }

  @Test("the bounds of a model hold together under every likelihood", arguments: likelihoods)
  func bounds(likelihood: Likelihood) throws {
    let model = try model(likelihood), images = [1, 9, 20, 31]
    var options = options()
    options.start = .bestGaussian
    let result = try LikelihoodBounds(of: model, on: TinyDataset(), images: images, options: options)
    #expect(result.images.map(\.index) == images)
    #expect((result.bitsPerPixel != nil) == (likelihood == .bernoulli))
    let bracket = try #require(result.bracket?.curve)
    // A single exact code for each image: the bounds may meet by chance, but hardly cross.
    #expect(bracket[2].gap.value > -0.5 && bracket[2].gap.value < 15, "\(bracket)")
    // An untrained encoder knows nothing of the best Gaussian, from which annealing rises further.
    #expect(result.bestELBO.value > result.elbo.value + 1)
    #expect(result.annealed.value > result.bestELBO.value - 0.3)
    let parts = result.approximationGap.value + result.amortisationGap.value
    #expect(abs(result.elbo.value + parts - result.annealed.value) < 1e-6)
    let curve = try DecoderCurve(of: model, on: TinyDataset(), images: images)
    let one = try #require(curve.points.first { $0.beta == 1 })
    // Both estimate −log p(x) from above; they come from different ends.
    #expect(abs(one.rate.value + one.distortion.value + result.annealed.value) < 5)
    let encoder = curve.encoder.rate.value + curve.encoder.distortion.value
    #expect(abs(encoder + result.elbo.value) < 0.05 * encoder.magnitude)
  }

  @Test("the same seed gives the same bits on 1, 2 and 3 threads")
  func threads() throws {
    func measure(_ threads: Int) throws -> LikelihoodBounds {
      try LikelihoodBounds(
        of: model(.bernoulli, threads: threads), on: TinyDataset(), images: [0, 5, 6], options: options())
    }
    let one = try measure(1)
    #expect(try measure(2) == one)
    #expect(try measure(3) == one)
  }
}
