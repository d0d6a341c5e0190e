import Autodiff
import FileFormats
import Foundation
import NeuralLayers
import Objectives
import TensorCore
import TestSupport
import Testing

/// The small reference values of `Tests/Fixtures`, which are always there.
@Suite("Objectives against the fixture")
struct ReferenceTests {
  private let device = Device(threads: 2)
  private let file: HDF5File

  init() throws { file = try HDF5File(reading: Fixture.path("reference.h5")) }

  private func doubles(_ name: String) throws -> [Double] { try file.read(name, as: Double.self).values }

  private func tensor(_ name: String) throws -> Tensor<Float> {
    let (values, shape) = try file.read(name, as: Float.self)
    return Tensor(values, Shape(shape), on: device)
  }

  /// Checks the loss of a group and its gradients, and returns its terms.
  private func check(_ group: String, _ objective: any Objective) throws -> LossTerms {
    let pass = Pass(training: [ParameterStore(on: device)], on: device)
    let mean = pass.tape.track(try tensor("mean")), logVariance = pass.tape.track(try tensor("log_variance"))
    let logits = pass.tape.track(try tensor("logits")), target = try tensor("target")
    let posterior = DiagonalGaussian(mean: mean, logVariance: logVariance)
    let terms = try objective.loss(
      of: fixedStep(
        images: target, posterior: posterior, codes: posterior.sample(noise: try tensor("noise")), step: 0,
        dataCount: 500, stream: RandomStream(seed: 0), pass: pass,
        distortions: { Likelihood.bernoulli.distortions(output: logits, target: target) }, output: { logits }))
    let total = terms.total
    #expect(relativeDifference([total.scalar], try doubles("\(group)/loss")) < 1e-5)
    let gradients = try pass.tape.backward(from: total)
    for (name, variable) in [("mean", mean), ("log_variance", logVariance), ("logits", logits)] {
      let reference = try doubles("\(group)/gradient_\(name)")
      #expect(relativeDifference(gradients[variable].elements, reference) < 1e-4, "\(name)")
    }
    return terms
  }

  @Test(
    "Loss, terms and gradients equal double precision: losses to 1e-5, gradients to 1e-4 of their largest",
    arguments: [
      ("vae", "name: vae", ""), ("beta-vae", "{name: beta-vae, beta: 4}", ""),
      ("mws", "{name: beta-tcvae, alpha: 1.5, beta: 6, gamma: 0.5, estimator: mws}", "mws"),
      ("mss", "{name: beta-tcvae, alpha: 1.5, beta: 6, gamma: 0.5, estimator: mss}", "mss"),
    ])
  func losses(group: String, section: String, estimator: String) throws {
    let terms = try check(group, ObjectiveSection.objective(section, latents: 3, on: device)).terms
    let names = estimator.isEmpty ? [] : ["mutual_information", "total_correlation", "dimension_wise_kl"]
    for name in names {
      let term = try #require(terms.first { $0.name == "\(name)_\(estimator)" })
      #expect(relativeDifference([term.value.scalar], try doubles("\(group)/\(name)")) < 1e-5, "\(name)")
    }
    let parts = [("reconstruction", "reconstruction"), ("kl", "kl")].filter { part in
      terms.contains { $0.name == part.0 }
    }
    #expect(parts.count == (estimator.isEmpty ? 2 : 1))
    for (name, array) in parts {
      let term = try #require(terms.first { $0.name == name })
      #expect(relativeDifference([term.value.scalar], try doubles(array)) < 1e-5, "\(name)")
    }
  }

  @Test("FactorVAE: loss and gradients of the model, loss, accuracy and gradients of the discriminator")
  func factorVAE() throws {
    let section = "{name: factor-vae, gamma: 6.4, discriminator: {layers: 2, width: 5}}"
    let objective = try ObjectiveSection.objective(section, latents: 3, on: device)
    let discriminator = try #require(objective.adversary as? Discriminator), store = discriminator.parameters
    func array(_ parameter: Parameter, _ prefix: String = "") -> String {
      "factor-vae/adversary/\(prefix)" + parameter.name.replacing("discriminator.", with: "")
    }
    #expect(store.entries.count == 6)
    for index in store.entries.indices {
      let parameter = store.parameter(at: index)
      let values = parameter.layout.native(try file.read(array(parameter), as: Float.self).values)
      parameter.value.copy(from: Tensor(values, parameter.value.shape, on: device))
    }
    let terms = try check("factor-vae", objective).terms
    let correlation = try #require(terms.first { $0.name == "total_correlation_discriminator" })
    #expect(
      relativeDifference([correlation.value.scalar], try doubles("factor-vae/total_correlation")) < 1e-5)

    let pass = Pass(training: [store], on: device)
    let evaluation = discriminator.evaluate(try tensor("factor-vae/adversary/codes"), pass)
    let loss = discriminator.loss(evaluation, permuted: try tensor("factor-vae/adversary/permuted"), pass)
    #expect(relativeDifference([loss.total.scalar], try doubles("factor-vae/adversary/loss")) < 1e-5)
    #expect(loss.observations.map(\.value) == (try doubles("factor-vae/adversary/accuracy")))
    try pass.tape.backward(from: loss.total)
    for index in store.entries.indices {
      let parameter = store.parameter(at: index)
      let gradient = parameter.layout.portable(parameter.gradient.elements)
      #expect(relativeDifference(gradient, try doubles(array(parameter, "gradient_"))) < 1e-4, "\(parameter.name)")
    }
  }
}
