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
  @Test(
    "Loss, terms and gradients equal double precision: losses to 1e-5, gradients to 1e-4 of their largest",
    arguments: [
      ("vae", "name: vae", ""), ("beta-vae", "{name: beta-vae, beta: 4}", ""),
      ("mws", "{name: beta-tcvae, alpha: 1.5, beta: 6, gamma: 0.5, estimator: mws}", "mws"),
      ("mss", "{name: beta-tcvae, alpha: 1.5, beta: 6, gamma: 0.5, estimator: mss}", "mss"),
    ])
  func losses(group: String, section: String, estimator: String) throws {
    let device = Device(threads: 2)
    let file = try HDF5File(reading: Fixture.path("reference.h5"))
    func doubles(_ name: String) throws -> [Double] { try file.read(name, as: Double.self).values }
    func tensor(_ name: String) throws -> Tensor<Float> {
      let (values, shape) = try file.read(name, as: Float.self)
      return Tensor(values, Shape(shape), on: device)
    }
    let pass = Pass(training: [ParameterStore(on: device)], on: device)
    let mean = pass.tape.track(try tensor("mean")), logVariance = pass.tape.track(try tensor("log_variance"))
    let logits = pass.tape.track(try tensor("logits")), target = try tensor("target")
    let posterior = DiagonalGaussian(mean: mean, logVariance: logVariance)
    let terms = try ObjectiveSection.objective(section, latents: 3, on: device).loss(
      of: fixedStep(
        images: target, posterior: posterior, codes: posterior.sample(noise: try tensor("noise")), step: 0,
        dataCount: 500, stream: RandomStream(seed: 0), pass: pass,
        distortions: { Likelihood.bernoulli.distortions(output: logits, target: target) }, output: { logits }))
    let total = terms.total
    #expect(relativeDifference([total.scalar], try doubles("\(group)/loss")) < 1e-5)
    if !estimator.isEmpty {
      for name in ["mutual_information", "total_correlation", "dimension_wise_kl"] {
        let term = try #require(terms.terms.first { $0.name == "\(name)_\(estimator)" })
        #expect(relativeDifference([term.value.scalar], try doubles("\(group)/\(name)")) < 1e-5, "\(name)")
      }
    }
    let gradients = try pass.tape.backward(from: total)
    for (name, variable) in [("mean", mean), ("log_variance", logVariance), ("logits", logits)] {
      let reference = try doubles("\(group)/gradient_\(name)")
      #expect(relativeDifference(gradients[variable].elements, reference) < 1e-4, "\(name)")
    }
  }
}
