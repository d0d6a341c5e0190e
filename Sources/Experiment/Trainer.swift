import Autodiff
import Diagnostics
import FactorData
import Foundation
import NeuralLayers
import Objectives
import TensorCore

/// Trains a model by an objective, one step at a time.
///
/// A step's random numbers are functions of the seed and the step's number; so parameters, optimisers and the step
/// number are all there is to save, and a run that was stopped and resumed cannot be told from one that was not.
public final class Trainer {
  /// What a step has computed.
  public struct StepResult: Sendable {
    /// The number of updates made, this one included.
    public let step: Int
    /// The loss before the update.
    public let loss: Double
    /// Its terms, unweighted, and what else was observed, in order.
    public let terms: [(name: String, value: Double)]
  }

  /// The model.
  public let model: Model
  /// The objective.
  public let objective: any Objective
  /// The VAE's optimiser.
  public let optimizer: Optimizer
  /// The adversary's optimiser, if there is an adversary.
  public let adversaryOptimizer: Optimizer?
  /// Updates made.
  public package(set) var step = 0
  /// Updates to make in all.
  public let steps: Int

  /// Where the time of steps goes, if somebody wants to know.
  public var profile: StepProfile?

  private let dataset: any FactorDataset
  private var sampler: BatchSampler
  private var secondSampler: BatchSampler
  private let stream: RandomStream

  /// Prepares training from the beginning.
  ///
  /// - Throws: ``StructuredError`` if the configuration does not fit the data.
  public init(_ configuration: ExperimentConfiguration, dataset: any FactorDataset, on device: Device) throws {
    guard configuration.imported == nil, let objectiveSettings = configuration.objectiveSettings,
      let length = configuration.training.length
    else {
      throw StructuredError(
        "these weights were imported and cannot be trained on", at: "section imported of the configuration",
        expected: "a configuration that says how to train",
        action: "Remove the section, and say what to train by in objective and training.")
    }
    let root = configuration.stream
    model = try Model(
      configuration.architecture, image: dataset.imageShape, latents: configuration.model.latents,
      likelihood: configuration.model.likelihood, on: device)
    model.parameters.initialize(configuration.model.initializer, from: root.split("parameters"))
    objective = objectiveSettings.objective(
      in: ObjectiveContext(
        latents: model.latents, device: device, initializer: configuration.model.initializer,
        stream: root.split("objective")))
    guard configuration.training.batchSize >= objective.minimumBatchSize else {
      throw StructuredError(
        "training.batch_size is \(configuration.training.batchSize), too small for \(configuration.objective?.name ?? "it")",
        expected: "at least \(objective.minimumBatchSize)")
    }
    optimizer = Optimizer(configuration.training.optimizer, for: model.parameters)
    adversaryOptimizer = objective.adversary.map { Optimizer($0.optimizer, for: $0.parameters) }
    self.dataset = dataset
    stream = root.split("training")
    let training = configuration.training
    sampler = try BatchSampler(
      length, batchSize: training.batchSize, count: dataset.count, stream: stream.split("first"))
    secondSampler = try BatchSampler(
      length, batchSize: training.batchSize, count: dataset.count, stream: stream.split("second"))
    steps = sampler.steps
  }

  /// Makes one update of the VAE, and of the adversary if there is one.
  ///
  /// - Throws: ``StructuredError`` naming term and step if a loss is not finite. Its own model has not been updated then,
  ///   but where it is the adversary's, the VAE has been: nobody should go on from such a state or save it.
  public func advance() throws -> StepResult {
    let device = model.device, pass = Pass(training: [model.parameters], on: device, profile: profile)
    let images = try pass.tape.phase("images") { try dataset.batch(sampler.batch(at: step), on: device) }
    let posterior = pass.tape.phase("encoder") { model.encoder(images, pass) }
    let codes = pass.tape.phase("codes") { sample(posterior, "noise") }
    let terms = pass.tape.phase("objective") {
      objective.loss(
        of: ForwardPass(
          images: images, posterior: posterior, codes: codes, step: step, dataCount: dataset.count,
          stream: stream.split("objective", step), pass: pass,
          meanDistortion: { [model] in model.decoder.meanDistortion(of: images, from: codes, model.likelihood, pass) },
          distortions: { [model] in model.decoder.distortions(of: images, from: codes, model.likelihood, pass) },
          output: { [model] in model.decoder(codes, pass) }))
    }
    let total = pass.tape.phase("objective") { terms.total }
    let loss = Double(total.scalar)
    var values = try checked(terms, loss: loss)
    try pass.tape.backward(from: total)
    pass.tape.phase("optimiser") { optimizer.update() }
    if let adversary = objective.adversary { values += try advance(adversary, first: codes.value) }
    step += 1
    profile?.endStep()
    return StepResult(step: step, loss: loss, terms: values)
  }

  private func advance(_ adversary: any Adversary, first: Tensor<Float>) throws -> [(name: String, value: Double)] {
    let device = model.device, pass = Pass(training: [adversary.parameters], on: device, profile: profile)
    let images = try pass.tape.phase("images") { try dataset.batch(secondSampler.batch(at: step), on: device) }
    let posterior = pass.tape.phase("encoder") {
      model.encoder(images, .evaluation(on: device, profile: profile))
    }
    let second = pass.tape.phase("codes") { sample(posterior, "second noise").value }
    let terms = pass.tape.phase("adversary") {
      adversary.loss(first: first, second: second, stream: stream.split("adversary", step), pass)
    }
    let total = terms.total
    let values = try checked(terms, loss: Double(total.scalar))
    try pass.tape.backward(from: total)
    pass.tape.phase("optimiser") { adversaryOptimizer?.update() }
    return values
  }

  private func sample(_ posterior: DiagonalGaussian, _ label: String) -> Variable<Float> {
    var noise = stream.split(label, step)
    return posterior.sample(noise: noise.normalTensor(posterior.mean.shape, on: model.device))
  }

  private func checked(_ terms: LossTerms, loss: Double) throws -> [(name: String, value: Double)] {
    let values = terms.terms.map { (name: $0.name, value: Double($0.value.scalar)) } + terms.observations
    // Finite terms have an infinite sum where a weight is too large.
    let all = values.map { ("term \($0.name)", $0.value) } + [("weighted loss", loss)]
    for (name, value) in all where !value.isFinite {
      throw StructuredError(
        "the \(name) is \(value.isNaN ? "nan" : "\(value)") at step \(step + 1); training stopped",
        expected: "a finite loss",
        action: "The last checkpoint is kept. A smaller learning rate (--set training.optimizer.learning_rate=…) or a "
          + "warm-up of the weights often helps.")
    }
    return values
  }

  /// Whether every parameter is finite: a checkpoint of anything else would be worthless.
  public var isFinite: Bool {
    ([model.parameters] + (objective.adversary.map { [$0.parameters] } ?? [])).allSatisfy { $0.values.total().isFinite }
  }
}
