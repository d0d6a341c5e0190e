import Autodiff
import Diagnostics
import Foundation
import NeuralLayers
import Objectives
import TensorCore
import TestSupport
import Testing

@Suite("Objectives")
struct ObjectiveTests {
  let device = Device(threads: 1)

  /// A batch of made-up posteriors and codes; the distortion is a fixed function of the codes.
  func terms(of yaml: String, batch: Int = 12, step: Int = 0) throws -> (terms: LossTerms, loss: Double) {
    var stream = RandomStream(seed: 5)
    func normal(_ scale: Float, _ shift: Float) -> Tensor<Float> {
      let tensor = Tensor<Float>(repeating: 0, [batch, 3], on: device)
      tensor.withMutableElements { stream.fillNormal($0) }
      return tensor.affine(scale: scale, shift: shift)
    }
    let pass = Pass(training: [ParameterStore(on: device)], on: device)
    let posterior = DiagonalGaussian(
      mean: pass.tape.track(normal(1, 0)), logVariance: pass.tape.track(normal(0.3, -1)))
    let codes = posterior.sample(noise: normal(1, 0))
    let result = try ObjectiveSection.objective(yaml, latents: 3, on: device).loss(
      of: fixedStep(
        images: normal(1, 0), posterior: posterior, codes: codes, step: step, dataCount: 1000,
        stream: RandomStream(seed: 0), pass: pass, distortions: { codes.squared().sum(axis: 1, keepingAxis: false) },
        output: { codes }))
    return (result, Double(result.total.scalar))
  }

  func value(_ name: String, of terms: LossTerms) throws -> Double {
    Double(try #require(terms.terms.first { $0.name == name }).value.scalar)
  }

  @Test(
    "With unit weights, the three terms of β-TCVAE add up to log q(z|x) − log p(z), whatever the estimator",
    arguments: ["mws", "mss"])
  func decompositionOfSampledRate(estimator: String) throws {
    let three = try terms(of: "{name: beta-tcvae, beta: 1, estimator: \(estimator)}").terms
    let sum = try ["mutual_information", "total_correlation", "dimension_wise_kl"].reduce(0.0) {
      $0 + (try value("\($1)_\(estimator)", of: three))
    }
    let other = try terms(of: "{name: beta-tcvae, beta: 1, estimator: \(estimator == "mws" ? "mss" : "mws")}").terms
    let otherSum = try ["mutual_information", "total_correlation", "dimension_wise_kl"].reduce(0.0) {
      $0 + (try value("\($1)_\(estimator == "mws" ? "mss" : "mws")", of: other))
    }
    // Both equal the same mean of log q(z|x) − log p(z): every estimated density cancels.
    #expect(abs(sum - otherSum) < 1e-4 * max(1, abs(sum)))
  }

  @Test("β and γ weigh the terms, and the terms themselves stay unweighted")
  func weights() throws {
    let plain = try terms(of: "{name: beta-vae, beta: 1}"), heavy = try terms(of: "{name: beta-vae, beta: 5}")
    let rate = try value("kl", of: plain.terms)
    #expect(try value("kl", of: heavy.terms) == rate)
    #expect(abs(heavy.loss - plain.loss - 4 * rate) < 1e-5 * abs(heavy.loss))
  }

  @Test("A warm-up moves the weight from step to step")
  func warmUp() throws {
    let yaml = "{name: beta-vae, beta: {from: 0, to: 4, steps: 100}}"
    let rate = try value("kl", of: try terms(of: yaml).terms)
    let start = try terms(of: yaml, step: 0).loss, half = try terms(of: yaml, step: 50).loss
    let end = try terms(of: yaml, step: 200).loss
    #expect(abs(half - start - 2 * rate) < 1e-5 * abs(half))
    #expect(abs(end - start - 4 * rate) < 1e-5 * abs(end))
  }

  @Test("Permuting latents keeps every column's values and breaks the rows")
  func permutation() throws {
    let objective = try ObjectiveSection.objective(
      "{name: factor-vae, discriminator: {layers: 1, width: 4}}", latents: 3, on: device)
    let discriminator = try #require(objective.adversary as? Discriminator)
    let codes = Tensor<Float>((0..<60).map { Float($0) }, [20, 3], on: device)
    let first = discriminator.permuteLatents(codes, RandomStream(seed: 1)).elements
    let again = discriminator.permuteLatents(codes, RandomStream(seed: 1)).elements
    let other = discriminator.permuteLatents(codes, RandomStream(seed: 2)).elements
    #expect(first == again)
    #expect(first != other)
    for latent in 0..<3 {
      let column = (0..<20).map { first[$0 * 3 + latent] }
      #expect(column.sorted() == (0..<20).map { Float($0 * 3 + latent) })
    }
    #expect((0..<20).contains { first[$0 * 3 + 1] != first[$0 * 3] + 1 })
  }

  @Test("The discriminator's loss gives no gradient to the encoder, the encoder's none to the discriminator")
  func separation() throws {
    let objective = try ObjectiveSection.objective(
      "{name: factor-vae, discriminator: {layers: 2, width: 8}}", latents: 3, on: device)
    let adversary = try #require(objective.adversary)
    adversary.parameters.gradients.fill(7)
    let pass = Pass(training: [ParameterStore(on: device)], on: device)
    let mean = pass.tape.track(Tensor<Float>(repeating: 0.5, [4, 3], on: device))
    let posterior = DiagonalGaussian(mean: mean, logVariance: Variable(Tensor(repeating: -1, [4, 3], on: device)))
    let terms = try objective.loss(
      of: fixedStep(
        images: mean.value, posterior: posterior, codes: mean, step: 0, dataCount: 100, stream: RandomStream(seed: 0),
        pass: pass, distortions: { mean.sum(axis: 1, keepingAxis: false) }, output: { mean }))
    let gradients = try pass.tape.backward(from: terms.total)
    #expect(adversary.parameters.gradients.elements.allSatisfy { $0 == 7 }, "frozen in the encoder's pass")
    #expect(gradients[mean].elements.contains { $0 != 0 })

    // The discriminator's loss trains the discriminator, and its pass records nothing of the codes.
    let training = Pass(training: [adversary.parameters], on: device)
    let second = AdversaryStep(
      codes: Tensor(repeating: 0.25, [4, 3], on: device), stream: RandomStream(seed: 2), pass: training)
    let loss = try #require(try terms.adversaryLoss?(second)).total
    let others = try training.tape.backward(from: loss)
    #expect(adversary.parameters.gradients.elements.contains { $0 != 7 && $0 != 0 })
    #expect(others[training.tape.track(mean.value)].elements.allSatisfy { $0 == 0 })
  }

  @Test("The discriminator learns the same whether or not the model's gradient was computed before")
  func sharedEvaluation() throws {
    let objective = try ObjectiveSection.objective(
      "{name: factor-vae, discriminator: {layers: 3, width: 40}}", latents: 3, on: device)
    let discriminator = try #require(objective.adversary as? Discriminator)
    var noise = RandomStream(seed: 3)
    let mean = noise.normalTensor([8, 3], on: device), second = noise.normalTensor([8, 3], on: device)
    /// The adversary's loss and gradients after the model's.
    func learned(backward: Bool) throws -> (loss: Float, gradients: [Float]) {
      let pass = Pass(training: [ParameterStore(on: device)], on: device)
      let codes = pass.tape.track(mean)
      let posterior = DiagonalGaussian(mean: codes, logVariance: Variable(Tensor(repeating: -1, [8, 3], on: device)))
      let terms = try objective.loss(
        of: fixedStep(
          images: mean, posterior: posterior, codes: codes, step: 0, dataCount: 100, stream: RandomStream(seed: 0),
          pass: pass, distortions: { codes.sum(axis: 1, keepingAxis: false) }, output: { codes }))
      if backward { try pass.tape.backward(from: terms.total) }
      let training = Pass(training: [discriminator.parameters], on: device)
      let step = AdversaryStep(codes: second, stream: RandomStream(seed: 5), pass: training)
      let loss = try #require(try terms.adversaryLoss?(step)).total
      try training.tape.backward(from: loss)
      return (loss.scalar, discriminator.parameters.gradients.elements)
    }
    // The plain way: layers one after the other, softplus of the margins.
    let training = Pass(training: [discriminator.parameters], on: device)
    let permuted = discriminator.permuteLatents(second, RandomStream(seed: 5))
    let loss = discriminator.loss(discriminator.evaluate(mean, training), permuted: permuted, training).total
    try training.tape.backward(from: loss)
    let expected = discriminator.parameters.gradients.elements
    for backward in [true, false] {
      let shared = try learned(backward: backward)
      // The same sums over rows in another grouping: rounding.
      #expect(abs(shared.loss - loss.scalar) < 1e-6)
      #expect(relativeDifference(shared.gradients, expected) < 2e-6)
    }
  }

  @Test("Names are unique, and every objective has a configuration of its own name in configs/")
  func registry() throws {
    let names = Registry<ObjectiveEntry>.standard.entries.map(\.name)
    #expect(Set(names).count == names.count)
    var package = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { package.deleteLastPathComponent() }
    for name in names {
      let path = package.appendingPathComponent("configs/\(name).yaml").path
      #expect(FileManager.default.fileExists(atPath: path), "\(path)")
    }
  }
}
