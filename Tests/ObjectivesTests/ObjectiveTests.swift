import Autodiff
import Diagnostics
import Foundation
import NeuralLayers
import Objectives
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

@Suite("Objectives")
struct ObjectiveTests {
  let device = Device(threads: 1)

  /// A batch of made-up posteriors and codes; the distortion is a fixed function of the codes.
  func terms(
    of yaml: String, batch: Int = 12, step: Int = 0
  ) throws -> (terms: LossTerms, loss: Double, batch: (mean: [Double], logVariance: [Double], codes: [Double])) {
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
    let inputs = [posterior.mean, posterior.logVariance, codes].map { $0.value.elements.map(Double.init) }
    return (result, Double(result.total.scalar), (inputs[0], inputs[1], inputs[2]))
  }

  func value(_ name: String, of terms: LossTerms) throws -> Double {
    Double(try #require(terms.terms.first { $0.name == name }).value.scalar)
  }

  /// The three terms of β-TCVAE in double precision, from the definition of the estimators (Chen et al. 2018, appendix C).
  private func decomposition(
    of batch: (mean: [Double], logVariance: [Double], codes: [Double]), stratified: Bool, dataCount n: Double
  ) -> (terms: [Double], sampledRate: Double) {
    let rows = batch.mean.count / 3, b = Double(rows)
    /// log N(z_i; μ_j, σ_j²) of one dimension; of the standard normal without j.
    func log(_ i: Int, _ j: Int?, _ d: Int) -> Double {
      let (mean, logVariance) = j.map { (batch.mean[3 * $0 + d], batch.logVariance[3 * $0 + d]) } ?? (0, 0)
      let t = batch.codes[3 * i + d] - mean
      return -0.5 * (t * t * exp(-logVariance) + logVariance + Foundation.log(2 * .pi))
    }
    func weight(_ i: Int, _ j: Int) -> Double {
      if !stratified { return 1 / (b * n) }
      return i == j ? 1 / n : j == (i + 1) % rows ? (n - b + 1) / (n * (b - 1)) : 1 / (b - 1)
    }
    var terms = [0.0, 0, 0], sampledRate = 0.0
    for i in 0..<rows {
      let all = 0..<rows
      let joint = Foundation.log(
        all.reduce(0) { $0 + weight(i, $1) * exp(log(i, $1, 0) + log(i, $1, 1) + log(i, $1, 2)) })
      let product = (0..<3).reduce(0.0) { sum, d in
        sum + Foundation.log(all.reduce(0) { $0 + weight(i, $1) * exp(log(i, $1, d)) })
      }
      let own = (0..<3).reduce(0) { $0 + log(i, i, $1) }, prior = (0..<3).reduce(0) { $0 + log(i, nil, $1) }
      for (k, term) in [own - joint, joint - product, product - prior].enumerated() { terms[k] += term / b }
      sampledRate += (own - prior) / b
    }
    return (terms, sampledRate)
  }

  @Test(
    "The three terms of β-TCVAE are those of their definition, and add up to log q(z|x) − log p(z)",
    arguments: ["mws", "mss"])
  func decompositionOfSampledRate(estimator: String) throws {
    let result = try terms(of: "{name: beta-tcvae, beta: 1, estimator: \(estimator)}")
    let expected = decomposition(of: result.batch, stratified: estimator == "mss", dataCount: 1000)
    let values = try ["mutual_information", "total_correlation", "dimension_wise_kl"].map {
      try value("\($0)_\(estimator)", of: result.terms)
    }
    // Means of twelve densities in single precision.
    for (a, b) in zip(values, expected.terms) { #expect(relativeDifference(a, b) < 1e-5) }
    #expect(abs(values.reduce(0, +) - expected.sampledRate) < 1e-5 * (worst(values) + abs(expected.sampledRate)))
    // With unit weights the loss is the distortion and that sum.
    let distortion = try value("reconstruction", of: result.terms)
    #expect(relativeDifference(result.loss, distortion + expected.sampledRate) < 1e-5)
  }

  @Test("Several codes an image are μ + σε, image by image")
  func severalCodes() throws {
    let pass = Pass.evaluation(on: device),
      mean = Variable(Tensor<Float>([1, 10, 100, 2, 20, 200], [2, 3], on: device))
    let logVariance = Variable(Tensor<Float>([0, 2, -2, 1, 4, -4], [2, 3], on: device))
    let posterior = DiagonalGaussian(mean: mean, logVariance: logVariance)
    let step = fixedStep(
      images: mean.value, posterior: posterior, codes: mean, step: 0, dataCount: 2, stream: RandomStream(seed: 1),
      pass: pass, distortions: { mean.sum(axis: 1, keepingAxis: false) }, output: { mean })
    let codes = step.sample(posterior, count: 4).value
    #expect(codes.shape == [8, 3])
    var stream = RandomStream(seed: 1)
    let noise = stream.normalTensor([8, 3], on: device).elements
    let expected = (0..<24).map { i in
      let element = i / 12 * 3 + i % 3
      return Double(mean.value.elements[element])
        + exp(Double(logVariance.value.elements[element]) / 2) * Double(noise[i])
    }
    // Rounding of numbers up to 200.
    #expect(absoluteDifference(codes.elements, expected) < 2e-5)
  }

  @Test("Images meet each of their codes, the last image too")
  func repeatedImages() {
    /// The distortion is the image's first value times the code's.
    struct Products: StepNetworks {
      let likelihood = Likelihood.bernoulli
      func encode(_ images: Tensor<Float>, _ pass: Pass) -> DiagonalGaussian { preconditionFailure("not asked for") }
      func decode(_ codes: Variable<Float>, _ pass: Pass) -> Variable<Float> { codes }
      func distortions(of images: Tensor<Float>, from codes: Variable<Float>, _ pass: Pass) -> Variable<Float> {
        (Variable(images.reshaped([images.shape[0], 1])) * codes).sum(axis: 1, keepingAxis: false)
      }
      func meanDistortion(of images: Tensor<Float>, from codes: Variable<Float>, _ pass: Pass) -> Variable<Float> {
        distortions(of: images, from: codes, pass).mean()
      }
    }
    let images = Tensor<Float>([1, 10, 100], [3, 1, 1, 1], on: device), pass = Pass.evaluation(on: device)
    let step = TrainingStep(
      images: images, number: 0, dataCount: 3, stream: RandomStream(seed: 1), noise: RandomStream(seed: 2),
      networks: Products(), pass: pass)
    let codes = Variable(Tensor<Float>([1, 2, 3, 4, 5, 6], [6, 1], on: device))
    #expect(step.distortions(of: images, from: codes).value.elements == [1, 2, 30, 40, 500, 600])
    #expect(step.meanDistortion(of: images, from: codes).scalar == 195.5)
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
    // An encoder with a parameter: the means are a row of weights, plus a constant for each image.
    let encoder = ParameterStore(on: device)
    let layer = Dense("encoder.linear1", inputs: 2, outputs: 3, in: encoder)
    encoder.initialize(.kaimingUniform, from: RandomStream(seed: 4))
    var stream = RandomStream(seed: 5)
    let images = stream.normalTensor([4, 2], on: device), others = stream.normalTensor([4, 3], on: device)
    let pass = Pass(training: [encoder], on: device)
    let mean = layer(Variable(images), pass)
    let posterior = DiagonalGaussian(mean: mean, logVariance: Variable(Tensor(repeating: -1, [4, 3], on: device)))
    let terms = try objective.loss(
      of: fixedStep(
        images: images, posterior: posterior, codes: mean, step: 0, dataCount: 100, stream: RandomStream(seed: 0),
        pass: pass, distortions: { mean.sum(axis: 1, keepingAxis: false) }, output: { mean }))
    try pass.tape.backward(from: terms.total)
    let untouched = adversary.parameters.gradients.elements.allSatisfy { $0 == 7 }
    #expect(untouched, "frozen in the encoder's pass")
    func elements(_ store: ParameterStore) -> [Float] {
      store.entries.indices.flatMap { store.parameter(at: $0).gradient.elements }
    }
    let gradients = elements(encoder)
    #expect(gradients.allSatisfy { $0.isFinite && $0 != 0 })
    // The discriminator's loss trains every parameter of the discriminator, and none of the encoder.
    let training = Pass(training: [adversary.parameters], on: device)
    let second = AdversaryStep(codes: others, stream: RandomStream(seed: 2), pass: training)
    let loss = try #require(try terms.adversaryLoss?(second)).total
    #expect(loss.isTracked)
    try training.tape.backward(from: loss)
    let trained = elements(adversary.parameters)
    #expect(trained.allSatisfy { $0.isFinite && $0 != 7 } && trained.contains { $0 != 0 })
    #expect(elements(encoder) == gradients)
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

  @Test("The defaults where a section names none")
  func defaults() throws {
    func decoded<C: ObjectiveConfiguration>(_ type: C.Type) throws -> C {
      try ConfigurationDocument(yaml: "{}", source: "test").decode(type).value
    }
    let geco = try decoded(GECO.Configuration.self), control = try decoded(ControlVAE.Configuration.self)
    #expect([geco.tolerance, geco.averaging, geco.rate, geco.initialLambda] == [30, 0.99, 0.001, 1])
    #expect([control.proportionalGain, control.integralGain, control.minimumBeta] == [0.01, 0.001, 1])
    #expect(control.setPointEvery == 5_000 && control.maximumBeta == nil)
    let info = try decoded(InfoVAE.Configuration.self), dip = try decoded(DIPVAE.Configuration.self)
    #expect(info.alpha == 0 && info.lambda == 1_000 && dip.variant == .codes)
    let tc = try decoded(BetaTCVAE.Configuration.self)
    #expect(tc.estimator == .weighted)
    let weights = [
      tc.alpha, tc.beta, tc.gamma, dip.lambdaOffDiagonal, dip.lambdaDiagonal,
      try decoded(BetaVAE.Configuration.self).beta, try decoded(FactorVAE.Configuration.self).gamma,
      try decoded(VAE.Configuration.self).rateWeight,
    ]
    #expect(weights.map { $0.value(at: 0) } == [1, 6, 1, 10, 10, 4, 35, 1])
  }

  @Test("A weight may be 0", arguments: ["{name: capacity-vae, gamma: 0}", "{name: beta-tcvae, alpha: 0}"])
  func noWeight(yaml: String) throws {
    _ = try ObjectiveSection.objective(yaml, latents: 3, on: device)
  }

  @Test("How the variances of a pair are averaged is a setting only where there are several ways")
  func variances() throws {
    for name in ["ada-ml-vae", "ml-vae"] {
      _ = try ObjectiveSection.objective("{name: \(name), variance: product}", latents: 3, on: device)
    }
    for name in ["ada-gvae", "gvae"] {
      let error = #expect(throws: StructuredError.self) {
        try ObjectiveSection.objective("{name: \(name), variance: mean}", latents: 3, on: device)
      }
      #expect(error?.what == "unknown key variance")
    }
  }

  @Test("Names are unique, and every objective has a configuration of its own name in configs/ and configs/tour/")
  func registry() throws {
    let names = Registry<ObjectiveEntry>.standard.entries.map(\.name)
    #expect(Set(names).count == names.count)
    var package = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { package.deleteLastPathComponent() }
    for name in names.flatMap({ [$0, "tour/\($0)"] }) {
      let path = package.appendingPathComponent("configs/\(name).yaml").path
      #expect(FileManager.default.fileExists(atPath: path), "\(path)")
    }
  }
}
