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

/// One batch of the reference values, and what an objective makes of it.
struct GoldenBatch {
  let file: HDF5File
  let device = Device(threads: 2)
  let batch: Int

  init(_ batch: Int) throws {
    self.batch = batch
    file = try HDF5File(reading: Golden.path("objectives/objectives_B\(batch).h5"))
  }

  func floats(_ name: String) throws -> [Float] { try file.read(name, as: Float.self).values }
  func doubles(_ name: String) throws -> [Double] { try file.read(name, as: Double.self).values }
  func tensor(_ name: String) throws -> Tensor<Float> {
    let (values, shape) = try file.read(name, as: Float.self)
    return Tensor(values, Shape(shape), on: device)
  }

  /// What an objective makes of the batch.
  struct Result {
    /// The terms, unweighted.
    var terms: [String: Double]
    /// What else was observed.
    var observations: [String: Double]
    /// The total.
    var loss: Double
    /// Its gradients.
    var mean: [Float], logVariance: [Float], logits: [Float]
  }

  /// The loss terms, with gradients of the total for means, log-variances and logits.
  func run(_ objective: any Objective) throws -> Result { try run { try objective.loss(of: $0) } }

  /// The same with a loss of the test's.
  func run(at number: Int = 0, _ loss: (TrainingStep) throws -> LossTerms) throws -> Result {
    let pass = Pass(training: [ParameterStore(on: device)], on: device)
    let mean = pass.tape.track(try tensor("inputs/mu")), logVariance = pass.tape.track(try tensor("inputs/logvar"))
    let logits = pass.tape.track(try tensor("inputs/logits")), images = try tensor("inputs/target")
    let posterior = DiagonalGaussian(mean: mean, logVariance: logVariance)
    let codes = posterior.sample(noise: try tensor("inputs/eps"))
    let terms = try loss(
      fixedStep(
        images: images, posterior: posterior, codes: codes, step: number,
        dataCount: try file.read("inputs/dataset_size", as: Int.self).values[0], stream: RandomStream(seed: 0),
        pass: pass, distortions: { Likelihood.bernoulli.distortions(output: logits, target: images) },
        output: { logits })
    )
    let total = terms.total
    let values = Dictionary(uniqueKeysWithValues: terms.terms.map { ($0.name, Double($0.value.scalar)) })
    let gradients = try pass.tape.backward(from: total)
    return Result(
      terms: values, observations: Dictionary(uniqueKeysWithValues: terms.observations), loss: Double(total.scalar),
      mean: gradients[mean].elements, logVariance: gradients[logVariance].elements, logits: gradients[logits].elements)
  }
}

/// An objective from its configuration section.
struct ObjectiveSection: StrictlyDecodable {
  let settings: any ObjectiveConfiguration

  init(from section: inout ConfigurationSection) throws {
    let name = try section.choice("name", among: Registry<ObjectiveEntry>.standard.entries.map(\.name))
    settings = try #require(Registry<ObjectiveEntry>.standard.entries.first { $0.name == name }).configuration.init(
      from: &section)
  }

  static func objective(_ yaml: String, latents: Int = 10, on device: Device) throws -> any Objective {
    let section = try ConfigurationDocument(yaml: yaml, source: "test").decode(ObjectiveSection.self).value
    return section.settings.objective(
      in: ObjectiveContext(
        latents: latents, device: device, initializer: .kaimingUniform, stream: RandomStream(seed: 3)))
  }
}

/// Single precision against double: losses to a relative 1e-5, gradients to 1e-4 of the largest of their array.
private let lossTolerance = 1e-5, gradientTolerance = 1e-4

/// The objectives against the numbers of one golden set, `objectives`.
@Suite("Golden objectives")
struct GoldenObjectivesTests {
  func close(_ value: Double, _ reference: Double) -> Bool { abs(value - reference) <= lossTolerance * abs(reference) }

  @Test("VAE: loss, terms and gradients", arguments: [16, 64])
  func vae(batch: Int) throws {
    let golden = try GoldenBatch(batch)
    let result = try golden.run(try ObjectiveSection.objective("name: vae", on: golden.device))
    #expect(close(result.loss, try golden.doubles("vae/loss")[0]))
    #expect(close(result.terms["reconstruction"] ?? .nan, try golden.doubles("recon/loss")[0]))
    #expect(close(result.terms["kl"] ?? .nan, try golden.doubles("kl/loss")[0]))
    #expect(relativeDifference(result.mean, try golden.doubles("vae/grad_mu")) <= gradientTolerance)
    #expect(relativeDifference(result.logVariance, try golden.doubles("vae/grad_logvar")) <= gradientTolerance)
    let reference = try golden.doubles("recon/grad_logits")
    #expect(relativeDifference(Array(result.logits.prefix(reference.count)), reference) <= gradientTolerance)
  }

  @Test("β-VAE: loss and gradients", arguments: [16, 64])
  func betaVAE(batch: Int) throws {
    let golden = try GoldenBatch(batch)
    let beta = try golden.doubles("betavae/beta")[0]
    let result = try golden.run(try ObjectiveSection.objective("{name: beta-vae, beta: \(beta)}", on: golden.device))
    #expect(close(result.loss, try golden.doubles("betavae/loss")[0]))
    #expect(relativeDifference(result.mean, try golden.doubles("betavae/grad_mu")) <= gradientTolerance)
    #expect(relativeDifference(result.logVariance, try golden.doubles("betavae/grad_logvar")) <= gradientTolerance)
  }

  @Test("β-TCVAE: loss, terms and gradients", arguments: [16, 64], [("mws", "mws"), ("mss", "mss_paper")])
  func betaTCVAE(batch: Int, variant: (estimator: String, group: String)) throws {
    let golden = try GoldenBatch(batch)
    let weights = try golden.doubles("btcvae/alpha_beta_gamma")
    let result = try golden.run(
      try ObjectiveSection.objective(
        """
        {name: beta-tcvae, alpha: \(weights[0]), beta: \(weights[1]), gamma: \(weights[2]), \
        estimator: \(variant.estimator)}
        """, on: golden.device))
    let group = "btcvae/\(variant.group)"
    #expect(close(result.loss, try golden.doubles("\(group)/loss")[0]))
    for (term, name) in [("mutual_information", "mi"), ("total_correlation", "tc"), ("dimension_wise_kl", "dwkl")] {
      #expect(
        close(result.terms["\(term)_\(variant.estimator)"] ?? .nan, try golden.doubles("\(group)/\(name)")[0]),
        "\(term)")
    }
    #expect(relativeDifference(result.mean, try golden.doubles("\(group)/grad_mu")) <= gradientTolerance)
    #expect(relativeDifference(result.logVariance, try golden.doubles("\(group)/grad_logvar")) <= gradientTolerance)
  }

  @Test("FactorVAE: the encoder's loss and gradients, the discriminator's loss and gradients", arguments: [16, 64])
  func factorVAE(batch: Int) throws {
    let golden = try GoldenBatch(batch)
    let gamma = try golden.doubles("factor/gamma")[0]
    let objective = try ObjectiveSection.objective(
      "{name: factor-vae, gamma: \(gamma), discriminator: {layers: 5, width: 32}}", on: golden.device)
    let discriminator = try #require(objective.adversary as? Discriminator)
    func reference(_ parameter: Parameter) -> String {
      let parts = parameter.name.replacingOccurrences(of: "discriminator.linear", with: "lin")
      return parts
    }
    let store = discriminator.parameters
    for index in store.entries.indices {
      let parameter = store.parameter(at: index)
      let values = try golden.floats("factor/disc/\(reference(parameter))")
      parameter.value.withMutableElements { target in
        for (i, value) in parameter.layout.native(values).enumerated() { target[i] = value }
      }
    }
    let result = try golden.run(objective)
    #expect(close(result.loss, try golden.doubles("factor/vae_loss")[0]))
    #expect(close(result.terms["total_correlation_discriminator"] ?? .nan, try golden.doubles("factor/tc")[0]))
    #expect(relativeDifference(result.mean, try golden.doubles("factor/grad_mu")) <= gradientTolerance)
    #expect(relativeDifference(result.logVariance, try golden.doubles("factor/grad_logvar")) <= gradientTolerance)

    let pass = Pass(training: [store], on: golden.device)
    let codes = Tensor(try golden.doubles("terms/z").map { Float($0) }, [batch, 10], on: golden.device)
    let permuted = Tensor(try golden.doubles("factor/z_perm").map { Float($0) }, [batch, 10], on: golden.device)
    let terms = discriminator.loss(discriminator.evaluate(codes, pass), permuted: permuted, pass)
    #expect(close(Double(terms.total.scalar), try golden.doubles("factor/disc_loss")[0]))
    #expect(terms.observations[0].value == (try golden.doubles("factor/disc_accuracy")[0]))
    try pass.tape.backward(from: terms.total)
    for index in store.entries.indices {
      let parameter = store.parameter(at: index)
      let gradient = parameter.layout.portable(parameter.gradient.elements)
      let expected = try golden.doubles("factor/disc_grad/\(reference(parameter))")
      #expect(relativeDifference(gradient, expected) <= gradientTolerance, "\(parameter.name)")
    }
  }

  @Test("The Bernoulli distortion at extreme logits")
  func extremeLogits() throws {
    let golden = try GoldenBatch(16)
    let logits = try golden.floats("bce_extreme/logits"), targets = try golden.floats("bce_extreme/targets")
    let exact = try golden.doubles("bce_extreme/exact")
    for (i, logit) in logits.enumerated() {
      for (j, target) in targets.enumerated() {
        let distortion = Likelihood.bernoulli.distortions(
          output: Variable(Tensor([logit], [1, 1], on: golden.device)),
          target: Tensor([target], [1, 1], on: golden.device))
        // softplus(l) − l·t cancels where t = 1 and l is large: to the rounding of l itself.
        let reference = exact[i * targets.count + j]
        #expect(
          abs(Double(distortion.value.elements[0]) - reference) <= 2e-6 * max(abs(reference), abs(Double(logit)) * 0.1))
      }
    }
  }
}
