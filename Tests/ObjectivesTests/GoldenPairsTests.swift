import Autodiff
import Diagnostics
import NeuralLayers
import Objectives
import TensorCore
import TestSupport
import Testing

/// The weakly and semi-supervised objectives against the numbers of two golden sets, `methods` and `methods_second`.
@Suite("Golden pairs")
struct GoldenPairsTests {
  private struct Pair {
    let golden: GoldenMethods
    let pass: Pass
    let first: DiagonalGaussian, second: DiagonalGaussian

    init(_ golden: GoldenMethods, _ group: String) throws {
      let pass = golden.pass()
      (self.golden, self.pass) = (golden, pass)
      func posterior(_ k: Int) throws -> DiagonalGaussian {
        DiagonalGaussian(
          mean: pass.tape.track(try golden.tensor("\(group)/mu\(k)")),
          logVariance: pass.tape.track(try golden.tensor("\(group)/logvar\(k)")))
      }
      first = try posterior(1)
      second = try posterior(2)
    }

    /// Averages, and compares the loss with a linear stand-in for the decoder, and its gradients.
    func check(_ averaging: PosteriorAveraging, shared: Tensor<Float>, inputs: String, beta: String, group: String)
      throws
    {
      let (a, b) = averaging.average((first, second), shared: shared), batch = Float(shared.shape[0])
      func linear(_ q: DiagonalGaussian, _ k: Int) throws -> Variable<Float> {
        let codes = q.sample(noise: try golden.tensor("\(inputs)/eps\(k)"))
        return (codes * Variable(try golden.tensor("\(inputs)/w\(k)"))).sum() / batch
      }
      try golden.expect(a.rate, "\(group)/kl1")
      try golden.expect(b.rate, "\(group)/kl2")
      let decoder = (try linear(a, 1) + linear(b, 2)) * 0.5
      let loss = (a.rate + b.rate) * (0.5 * Float(try golden.number(beta))) + decoder
      try golden.expect(loss, "\(group)/loss")
      try golden.expect(
        gradientsOf: loss, in: pass,
        [
          (first.mean, "\(group)/grad_mu1"), (first.logVariance, "\(group)/grad_logvar1"),
          (second.mean, "\(group)/grad_mu2"), (second.logVariance, "\(group)/grad_logvar2"),
        ])
    }
  }

  @Test(
    "Ada-GVAE and Ada-ML-VAE, first set: masks, averages, losses and gradients", arguments: [16, 64],
    [("12", PosteriorDistance.forward), ("21", .backward), ("sym", .symmetric)])
  func adaptive(batch: Int, variant: (name: String, distance: PosteriorDistance)) throws {
    let golden = try GoldenMethods("methods"), inputs = "B\(batch)/pairs"
    for (name, averaging) in [("gvae", PosteriorAveraging.means), ("mlvae", .harmonic), ("mlvae_product", .product)] {
      // Not every combination has a group of its own.
      guard golden.file.hasArray("\(inputs)/\(name)_\(variant.name)/loss") else { continue }
      let pair = try Pair(golden, inputs), mask = variant.distance.shared(pair.first, pair.second)
      #expect(mask.elements == (try golden.bytes("\(inputs)/mask_\(variant.name)")))
      let distances = variant.distance.values(pair.first, pair.second)
      #expect(relativeDifference(distances, try golden.doubles("\(inputs)/delta_\(variant.name)")) < 1e-12)
      try pair.check(
        averaging, shared: mask, inputs: inputs, beta: "\(inputs)/beta", group: "\(inputs)/\(name)_\(variant.name)")
    }
  }

  @Test("GVAE and ML-VAE with known shared latents, first set", arguments: [16, 64])
  func known(batch: Int) throws {
    let golden = try GoldenMethods("methods"), inputs = "B\(batch)/pairs"
    for (name, averaging) in [("gvae", PosteriorAveraging.means), ("mlvae", .harmonic), ("mlvae_product", .product)] {
      let mask = Tensor(try golden.bytes("\(inputs)/shared"), [batch, 10], on: golden.device)
      try Pair(golden, inputs).check(
        averaging, shared: mask, inputs: inputs, beta: "\(inputs)/beta", group: "\(inputs)/\(name)_known")
    }
  }

  @Test(
    "All three averages under each mask, second set", arguments: ["oneway", "sym", "known"],
    [("gvae", PosteriorAveraging.means), ("mlvae_field", .harmonic), ("mlvae_product", .product)])
  func second(masks: String, variant: (name: String, averaging: PosteriorAveraging)) throws {
    let golden = try GoldenMethods("methods_second"), pair = try Pair(golden, "ada/inputs")
    let reference = try golden.bytes("ada/\(masks)/mask"), mask = Tensor(reference, [16, 10], on: golden.device)
    if masks != "known" {
      let distance = masks == "sym" ? PosteriorDistance.symmetric : .forward
      #expect(distance.shared(pair.first, pair.second).elements == reference)
    }
    try pair.check(
      variant.averaging, shared: mask, inputs: "ada/inputs", beta: "ada/beta", group: "ada/\(masks)/\(variant.name)")
  }

  @Test("A divergence on the threshold is not shared, nor any where all are equal")
  func edges() throws {
    let golden = try GoldenMethods("methods"), pair = try Pair(golden, "pairs_edge")
    #expect(PosteriorDistance.forward.shared(pair.first, pair.second).elements == (try golden.bytes("pairs_edge/mask")))
    #expect(PosteriorDistance.forward.values(pair.first, pair.second) == (try golden.doubles("pairs_edge/delta")))
  }

  @Test(
    "The supervised term and its gradient, second set", arguments: ["labels_dlib", "labels_unit"],
    [("xent", "cross-entropy"), ("l2_sigmoid", "l2-sigmoid"), ("l2_plain", "l2")])
  func supervised(labels: String, loss: (group: String, name: String)) throws {
    let golden = try GoldenMethods("methods_second"), pass = golden.pass()
    let mean = try golden.variable("semi/inputs/mu", in: pass), labelled = try labelled(golden, mean)
    let objective = try #require(
      try ObjectiveSection.objective(
        "{name: semi-supervised, loss: \(loss.name), targets: \(labels == "labels_dlib" ? "fraction" : "unit")}",
        on: golden.device) as? SemiSupervised)
    let value = try objective.regularizer(of: mean, labelled, pass)
    try golden.expect(value, "semi/\(labels)/\(loss.group)/loss")
    try golden.expect(gradientsOf: value, in: pass, [(mean, "semi/\(labels)/\(loss.group)/grad_mu")])
  }

  @Test("The supervised term with a learned scale, second set")
  func scaled() throws {
    let golden = try GoldenMethods("methods_second")
    let objective = try #require(
      try ObjectiveSection.objective("{name: semi-supervised, loss: l2-scaled}", on: golden.device) as? SemiSupervised)
    let store = try #require(objective.parameters), scale = store.parameter(at: 0)
    #expect(scale.value.elements == [1])
    scale.value.copy(
      from: try golden.file.read("semi/l2_scale/scale", as: Double.self).values.map(Float.init).tensor(golden))
    let pass = Pass(training: [store], on: golden.device), mean = try golden.variable("semi/inputs/mu", in: pass)
    let value = try objective.regularizer(of: mean, labelled(golden, mean), pass)
    try golden.expect(value, "semi/l2_scale/loss")
    try golden.expect(gradientsOf: value, in: pass, [(mean, "semi/l2_scale/grad_mu")])
    #expect(
      relativeDifference(scale.gradient.elements, try golden.doubles("semi/l2_scale/grad_scale")) < goldenGradient)
  }

  private func labelled(_ golden: GoldenMethods, _ mean: Variable<Float>) throws -> LabelledImages {
    LabelledImages(
      images: mean.value, values: try golden.integers("semi/inputs/classes").map(Int32.init),
      sizes: try golden.integers("semi/inputs/factor_sizes"))
  }
}

extension [Float] {
  fileprivate func tensor(_ golden: GoldenMethods) -> Tensor<Float> { Tensor(self, [count], on: golden.device) }
}
