import Autodiff
import Diagnostics
import Experiment
import FactorData
import Foundation
import NeuralLayers
import Objectives
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

/// An objective that uses everything an objective may: a parameter of its own, state, several codes an image, and images
/// that are weighted by their distortions.
///
///     L = −(1/B) Σ_b log (1/k) Σ_j e^{−D_bj/τ}·τ + w·KL + (s − 1)²,   w ← 0.9·w + 0.1·KL after each step
final class DemandingObjective: Objective {
  struct Configuration: ObjectiveConfiguration {
    init() {}
    init(from section: inout ConfigurationSection) throws {}
    func objective(in context: ObjectiveContext) -> any Objective { DemandingObjective(context) }
  }

  private let store: ParameterStore
  private let scale: Dense
  private(set) var weight = 1.0

  init(_ context: ObjectiveContext) {
    store = ParameterStore(on: context.device)
    scale = Dense("objective.scale", inputs: 1, outputs: 1, in: store)
    store.initialize(.kaimingUniform, from: context.stream)
  }

  var parameters: ParameterStore? { store }
  var state: [String: [Double]] { ["weight": [weight]] }

  func restore(state: [String: [Double]]) throws {
    guard let saved = state["weight"], saved.count == 1, state.count == 1 else {
      throw StructuredError("the state has \(state.keys.sorted())", expected: "one weight")
    }
    weight = saved[0]
  }

  func loss(of step: TrainingStep) -> LossTerms {
    let codes = step.sample(step.posterior, count: 3)
    let distortions = step.distortions(of: step.images, from: codes).reshaped([step.batchSize, 3])
    let bound = -((distortions * -0.01).logSumExp(axis: 1).mean() * 100) + Float(100 * log(3.0))
    let one = Variable(Tensor<Float>(repeating: 1, [1, 1], on: step.pass.device))
    let scale = (scale(one, step.pass) - 1).squared().mean()
    return LossTerms(
      .reconstruction(bound), .rate(step.posterior.rate, weight: weight), LossTerm("scale", scale))
  }

  func update(after step: TrainingStep, _ loss: LossTerms) {
    weight = 0.9 * weight + 0.1 * Double(loss["kl"]?.value.scalar ?? .nan)
  }
}

@Suite("What an objective may ask for")
struct ObjectiveDoorTests {
  private func trainer() throws -> (trainer: Trainer, yaml: String) {
    let resolved = try TrainerTests.configuration("objective: {name: vae}")
    var settings = resolved.value
    settings.objectiveSettings = DemandingObjective.Configuration()
    return (try Trainer(settings, dataset: TinyDataset(), on: Device(threads: 2)), resolved.yaml)
  }

  private func everything(_ trainer: Trainer) -> [Float] {
    trainer.model.parameters.values.elements + (trainer.objective.parameters?.values.elements ?? [])
  }

  @Test func `Own parameters are trained, own state follows the steps, and both resume bit for bit`() throws {
    let folder = try TemporaryFolder(), path = folder.file("checkpoint.safetensors")
    let (undisturbed, yaml) = try trainer(), (resumed, _) = try trainer()
    let start = try #require(undisturbed.objective.parameters).values.elements
    for step in 0..<10 {
      if step == 5 { try Checkpoint.save(undisturbed, configuration: yaml, to: path) }
      let result = try undisturbed.advance()
      #expect(result.terms.map(\.name) == ["reconstruction", "kl", "scale"])
    }
    #expect(undisturbed.objective.parameters?.values.elements != start)
    #expect(undisturbed.objective.state["weight"] != [1])
    _ = try Checkpoint.restore(resumed, configuration: yaml, from: path)
    for _ in 5..<10 { _ = try resumed.advance() }
    let equal = everything(resumed) == everything(undisturbed)
    #expect(equal)
    #expect(resumed.objective.state == undisturbed.objective.state)
  }

  @Test func `A checkpoint with a state that the objective does not know is refused before anything changes`() throws {
    let folder = try TemporaryFolder(), path = folder.file("checkpoint.safetensors")
    let (demanding, yaml) = try trainer()
    _ = try demanding.advance()
    try Checkpoint.save(demanding, configuration: yaml, to: path)
    let plain = try Trainer(
      TrainerTests.configuration("objective: {name: vae}").value, dataset: TinyDataset(), on: Device(threads: 1))
    let before = everything(plain)
    let error = #expect(throws: StructuredError.self) {
      try Checkpoint.restore(plain, configuration: yaml, from: path)
    }
    #expect(error?.what == "the objective keeps no state \"weight\"")
    let unchanged = everything(plain) == before
    #expect(unchanged)
  }

  @Test func `An objective is asked for the memory that it will take before it is built`() throws {
    struct Greedy: ObjectiveConfiguration {
      init() {}
      init(from section: inout ConfigurationSection) throws {}
      func objective(in context: ObjectiveContext) -> any Objective { preconditionFailure("there is no memory for it") }
      func memory(for step: StepSize) -> [MemoryRequirement] {
        [
          MemoryRequirement(
            "a codebook for \(step.batchSize) images of \(step.image) and \(step.latents) latents",
            bytes: saturatingProduct(step.batchSize, 1 << 60), at: "objective.codes")
        ]
      }
    }
    var settings = try TrainerTests.configuration("objective: {name: vae}").value
    settings.objectiveSettings = Greedy()
    let dataset = try TinyDataset()
    let error = #expect(throws: StructuredError.self) {
      try Trainer(settings, dataset: dataset, on: Device(threads: 1))
    }
    #expect(error?.location == "objective.codes")
    #expect(
      error?.what.hasPrefix("a codebook for \(settings.training.batchSize) images of \(dataset.imageShape)") == true,
      "\(error.map { "\($0)" } ?? "none")")
  }

  @Test func `A state that is not finite is not saved`() throws {
    let folder = try TemporaryFolder(), path = folder.file("checkpoint.safetensors")
    let (demanding, yaml) = try trainer()
    try demanding.objective.restore(state: ["weight": [.nan]])
    #expect(throws: StructuredError.self) { try Checkpoint.save(demanding, configuration: yaml, to: path) }
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func `Several codes an image follow each other, and the first draw of a step is the usual one`() throws {
    let device = Device(threads: 1), pass = Pass.evaluation(on: device)
    let mean = Variable(Tensor<Float>([1, 10, 2, 20], [2, 2], on: device))
    let posterior = DiagonalGaussian(mean: mean, logVariance: Variable(Tensor(repeating: -60, [2, 2], on: device)))
    func step() -> TrainingStep {
      fixedStep(
        images: mean.value, posterior: posterior, codes: mean, step: 0, dataCount: 2, stream: RandomStream(seed: 1),
        pass: pass, distortions: { mean.sum(axis: 1, keepingAxis: false) }, output: { mean })
    }
    // With σ = e^{−30} a code is its mean.
    #expect(step().sample(posterior, count: 2).value.elements == [1, 10, 1, 10, 2, 20, 2, 20])
    let wide = DiagonalGaussian(mean: mean, logVariance: Variable(Tensor(repeating: 0, [2, 2], on: device)))
    let first = step(), second = step()
    let a = first.sample(wide).value.elements, b = first.sample(wide).value.elements
    var stream = RandomStream(seed: 1)
    #expect(a == wide.sample(noise: stream.normalTensor([2, 2], on: device)).value.elements)
    #expect(a != b, "draws of one step differ")
    #expect(a == second.sample(wide).value.elements && b == second.sample(wide).value.elements, "and repeat")
  }
}
