import Autodiff
import Foundation
import NeuralLayers
import Objectives
import TensorCore
import TestSupport
import Testing

/// QLAE on codes of two latents with three values each, which begin at −½, 0, ½.
@Suite("Latent quantisation")
struct LatentQuantizationTests {
  private let device = Device(threads: 1)
  private let encoded: [Float] = [-0.4, 0.1, 0.2, 0.9, -0.1, -2]
  private let nearest: [Float] = [-0.5, 0, 0, 0.5, 0, -0.5]

  private func evaluate(
    _ objective: any Objective, at codes: [Float]? = nil
  ) throws -> (terms: LossTerms, codes: [Float], gradient: [Double], values: [Float]) {
    let stores = objective.parameters.map { [$0] } ?? []
    let pass = Pass(training: stores.isEmpty ? [ParameterStore(on: device)] : stores, on: device)
    let mean = pass.tape.track(Tensor(codes ?? encoded, [3, 2], on: device))
    let posterior = DiagonalGaussian(mean: mean, logVariance: Variable(Tensor(repeating: 0, [3, 2], on: device)))
    var seen: [Float] = []
    let terms = try objective.loss(
      of: fixedStep(
        images: Tensor(repeating: 0, [3, 5], on: device), posterior: posterior, codes: mean, step: 0, dataCount: 10,
        stream: RandomStream(seed: 1), pass: pass,
        distortionsOf: { codes in
          seen = codes.value.elements
          return (codes * 3).squared().sum(axis: 1, keepingAxis: false)
        }, output: { mean }))
    let gradients = try pass.tape.backward(from: terms.total)
    return (
      terms, seen, gradients[mean].elements.map(Double.init), stores.first?.gradients.elements ?? []
    )
  }

  private func objective(_ keys: String) throws -> any Objective {
    try ObjectiveSection.objective("{name: qlae, values: 3\(keys)}", latents: 2, on: device)
  }

  @Test("The decoder sees the nearest values; the loss is the published one, a mean over pixels and latents")
  func values() throws {
    let objective = try objective(", quantization: 2, commitment: 3")
    let result = try evaluate(objective)
    #expect(relativeDifference(result.codes.map(Double.init), nearest.map(Double.init)) < 1e-6)
    let distance = zip(encoded, nearest).reduce(0.0) { $0 + pow(Double($1.0 - $1.1), 2) } / 6
    let distortion = nearest.reduce(0.0) { $0 + 9 * Double($1 * $1) } / 3
    #expect(relativeDifference(Double(try #require(result.terms["quantization"]).value.scalar), distance) < 1e-6)
    #expect(relativeDifference(Double(try #require(result.terms["commitment"]).value.scalar), distance) < 1e-6)
    #expect(relativeDifference(Double(result.terms.total.scalar), distortion / 5 + 5 * distance) < 1e-6)
    #expect(objective.codebook == Codebook([-0.5, 0, 0.5, -0.5, 0, 0.5], latents: 2))
  }

  @Test("The gradient passes straight through to the encoder, commitment pulls it, quantisation moves the values alone")
  func gradients() throws {
    let result = try evaluate(objective(", quantization: 2, commitment: 3"))
    // dD/dz = 18 z/3 at the nearest values; commitment 2(e − q)/6.
    let expected = zip(encoded, nearest).map { e, q in
      let straight = 18 * Double(q) / 3 / 5, pull = 3 * 2 * Double(e - q) / 6
      return straight + pull
    }
    #expect(relativeDifference(result.gradient, expected) < 1e-5)
    // −2(e − q)/6 summed over the codes of each value: [latent][value].
    var moves = [Double](repeating: 0, count: 6)
    for (place, (e, q)) in zip(encoded, nearest).enumerated() {
      moves[place % 2 * 3 + Int(2 * (q + 0.5))] -= 2 * 2 * Double(e - q) / 6
    }
    #expect(relativeDifference(result.values.prefix(6).map(Double.init), moves) < 1e-5)
    let fixed = try evaluate(objective(", learned: false, quantization: 2, commitment: 3"))
    #expect(relativeDifference(fixed.gradient, expected) < 1e-5)
    #expect(fixed.values.isEmpty)
  }

  @Test("A gradient step on the values brings them to the codes")
  func learning() throws {
    let objective = try objective("")
    let store = try #require(objective.parameters)
    let optimizer = Optimizer(.sgd(learningRate: 50, momentum: 0), for: store)
    for _ in 0..<200 {
      _ = try evaluate(objective, at: [-0.4, 0.4, -0.4, 0.4, -0.4, 0.4])
      optimizer.update()
    }
    let book = try #require(objective.codebook)
    #expect(relativeDifference(book.quantized([-0.4, 0.4]).map(Double.init), [-0.4, 0.4]) < 1e-4)
    // What nothing is near stays.
    #expect(book.sortedValues(of: 0).suffix(2) == [0, 0.5])
  }
}
