import Autodiff
import NeuralLayers
import Objectives
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

/// What every objective promises: settings that decode from their section alone, a finite and repeatable loss, names fit
/// for logs, and gradients that agree with finite differences.
///
/// - Parameters:
///   - configuration: the objective's settings.
///   - yaml: the keys of its section, as `{beta: 4}`.
func checkObjective(_ configuration: any ObjectiveConfiguration.Type, _ yaml: String) throws {
  let device = Device(threads: 1), batch = 8, latents = 3
  let document = try ConfigurationDocument(yaml: "objective: \(yaml)", source: "test")
  func objective() throws -> any Objective {
    func decoded<C: ObjectiveConfiguration>(_ type: C.Type) throws -> any ObjectiveConfiguration {
      try document.decode(Wrapped<C>.self).value.settings
    }
    return try decoded(configuration).objective(
      in: ObjectiveContext(
        latents: latents, device: device, initializer: .kaimingUniform, stream: RandomStream(seed: 3)))
  }
  var stream = RandomStream(seed: 21)
  func normal(_ scale: Float, _ shift: Float) -> Tensor<Float> {
    let tensor = Tensor<Float>(repeating: 0, [batch, latents], on: device)
    tensor.withMutableElements { stream.fillNormal($0) }
    return tensor.affine(scale: scale, shift: shift)
  }
  let mean = normal(1, 0), logVariance = normal(0.3, -1), noise = normal(1, 0),
    directions = [normal(1, 0), normal(1, 0)]
  #expect(try objective().minimumBatchSize <= batch)

  /// The loss at parameters moved by h along the directions, and its slope there by the tape.
  func evaluate(_ h: Float) throws -> (terms: LossTerms, loss: Double, slope: Double) {
    let objective = try objective()
    let pass = Pass(training: [ParameterStore(on: device)], on: device)
    func moved(_ start: Tensor<Float>, _ direction: Tensor<Float>) -> Variable<Float> {
      pass.tape.track(start.combined(.add, direction.affine(scale: h, shift: 0)))
    }
    let m = moved(mean, directions[0]), v = moved(logVariance, directions[1])
    let posterior = DiagonalGaussian(mean: m, logVariance: v)
    let codes = posterior.sample(noise: noise)
    // What a batch may hold beside images. The posteriors of other images are constants; those of a pair's second images
    // differ so much between latents that the shared ones do not change within the differences.
    let offsets = Tensor<Float>((0..<batch * latents).map { [0, 1, 4][$0 % latents] }, mean.shape, on: device)
    let pairs = objective.batch.pairs.map { _ in
      PairedImages(second: noise, shared: (0..<batch * 2).map { $0 % 3 == 0 }, factors: 2)
    }
    let labelled = objective.batch.labels.map { _ in
      LabelledImages(images: noise, values: (0..<batch * 2).map { Int32($0 % 2) }, sizes: [2, 3])
    }
    let terms = try objective.loss(
      of: fixedStep(
        images: mean, posterior: posterior,
        otherPosterior: labelled == nil
          ? DiagonalGaussian(mean: Variable(mean.combined(.add, offsets)), logVariance: Variable(logVariance)) : nil,
        codes: codes, pairs: pairs, labelled: labelled, step: 10, dataCount: 1_000, stream: RandomStream(seed: 1),
        pass: pass, distortionsOf: { ($0 * 3).squared().sum(axis: 1, keepingAxis: false) }, output: { codes }))
    let total = terms.total
    let gradients = try pass.tape.backward(from: total)
    let slope = zip([m, v], directions).reduce(0.0) { sum, pair in
      sum + gradients[pair.0].combined(.multiply, pair.1).total()
    }
    return (terms, Double(total.scalar), slope)
  }

  let centre = try evaluate(0), again = try evaluate(0)
  #expect(centre.loss.isFinite)
  #expect(centre.loss == again.loss && centre.slope == again.slope, "the loss is repeatable")
  for term in centre.terms.terms {
    #expect(term.name.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "_" }, "\(term.name)")
    #expect(term.value.scalar.isFinite, "\(term.name)")
  }
  // Fourth-order central differences with step 0.02: rounding of a loss of a few hundred nats in single precision
  // gives an error near 1e-5·loss/0.02, hence the tolerance of 1 %.
  let h: Float = 0.02
  let numeric =
    try (8 * (evaluate(h).loss - evaluate(-h).loss) - (evaluate(2 * h).loss - evaluate(-2 * h).loss)) / (12 * Double(h))
  #expect(
    abs(numeric - centre.slope) <= 0.01 * max(1, abs(centre.slope)), "the slope is \(centre.slope), not \(numeric)")
}

private struct Wrapped<Settings: ObjectiveConfiguration>: StrictlyDecodable {
  let settings: Settings

  init(from section: inout ConfigurationSection) throws { settings = try section.section("objective") }
}
