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
  /// The optimiser of the objective's own parameters, if it has any.
  public let objectiveOptimizer: Optimizer?
  /// The adversary's optimiser, if there is an adversary.
  public let adversaryOptimizer: Optimizer?
  /// Updates made.
  public package(set) var step = 0
  /// Updates to make in all.
  public let steps: Int

  /// Where the time of steps goes, if somebody wants to know.
  public var profile: StepProfile?

  /// The posteriors of all images, if the objective asks for them.
  package let encodings: EncodingCache?

  private let dataset: any FactorDataset
  /// N, the images that training sees.
  private let dataCount: Int
  private var source: BatchSource
  private var secondBatches: BatchSource
  private let stream: RandomStream

  /// Prepares training from the beginning.
  ///
  /// - Throws: `StructuredError` if the configuration does not fit the data.
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
      configuration.model.architecture, image: dataset.imageShape, latents: configuration.model.latents,
      likelihood: configuration.model.likelihood, on: device)
    // Everything that follows from sizes is checked before the first of it is allocated.
    for requirement in model.memory(training: configuration.training) + configuration.report.memory(model.latents)
      + objectiveSettings.memory(
        for: StepSize(
          batchSize: configuration.training.batchSize, latents: model.latents, image: dataset.imageShape))
    { try requirement.check() }
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
    if objective.batch.encodingInterval != nil {
      try EncodingCache.memory(dataset.count, latents: configuration.model.latents).check()
    }
    try objective.check(configuration.model.likelihood)
    try objective.check(
      factors: dataset.factors.list.count { $0.size > 1 }, latents: configuration.model.latents)
    model.codebook = objective.codebook
    let settings = configuration.training.optimizer
    optimizer = Optimizer(settings, for: model.parameters)
    objectiveOptimizer = objective.parameters.map { Optimizer(settings, for: $0) }
    adversaryOptimizer = objective.adversary.map { Optimizer($0.optimizer, for: $0.parameters) }
    encodings = objective.batch.encodingInterval.map { EncodingCache(interval: $0) }
    self.dataset = dataset
    stream = root.split("training")
    let distribution = try configuration.dataset.distribution(of: dataset, stream: root), request = objective.batch
    if configuration.dataset.sampling != nil, request.pairs != nil || request.encodingInterval != nil {
      throw StructuredError(
        "\(configuration.objective?.name ?? "the objective") needs \(request.pairs == nil ? "all images" : "pairs of images"), "
          + "and dataset.sampling chooses among them", at: "dataset.sampling",
        expected: "an objective that takes single images, or no section sampling")
    }
    dataCount = distribution.count
    source = try BatchSource(
      request, of: dataset, from: distribution, configuration.training, length, stream: stream.split("first"),
      on: device)
    secondBatches = try BatchSource(
      .images, of: dataset, from: distribution, configuration.training, length, stream: stream.split("second"),
      on: device)
    steps = source.steps
  }

  /// Makes one update of the model, and of the adversary if there is one.
  ///
  /// - Throws: `StructuredError` naming term and step if a loss is not finite, or if images cannot be read. The model
  ///   has not been updated then, but where the adversary's loss is not finite, it has been: nobody should go on from
  ///   such a state or save it.
  public func advance() throws -> StepResult { try flushingDenormals(makeStep) }

  private func makeStep() throws -> StepResult {
    let device = model.device, stores = [model.parameters] + (objective.parameters.map { [$0] } ?? [])
    let optimizers = [optimizer] + (objectiveOptimizer.map { [$0] } ?? [])
    let pass = Pass(training: stores, updating: optimizers, on: device, profile: profile)
    // All images are read before anything is updated, because reading may fail.
    let batch = try pass.tape.phase("images") { try source.batch(at: step) }
    let second = try objective.adversary.map { _ in
      try pass.tape.phase("images") { try secondBatches.batch(at: step).images }
    }
    let cached = try encodings.map { encodings in
      CachedPosteriors(
        mixture: try pass.tape.phase("encoding all") { try encodings.mixture(at: step, model, dataset) },
        indices: batch.indices)
    }
    let current = TrainingStep(
      images: batch.images, pairs: batch.pairs, labelled: batch.labelled, cached: cached, number: step,
      dataCount: dataCount,
      stream: stream.split("objective", step), noise: stream.split("noise", step), networks: model, pass: pass)
    let terms = try pass.tape.phase("objective") { try objective.loss(of: current) }
    let total = pass.tape.phase("objective") { terms.total }
    let loss = Double(total.scalar)
    var values = try checked(terms, loss: loss)
    try pass.tape.backward(from: total)
    pass.tape.phase("optimiser") {
      optimizer.update()
      objectiveOptimizer?.update()
    }
    if let adversary = objective.adversary, let loss = terms.adversaryLoss, let second {
      values += try advance(adversary, second, loss)
    }
    objective.update(after: current, terms)
    calibrate()
    step += 1
    profile?.endStep()
    return StepResult(step: step, loss: loss, terms: values)
  }

  /// Gives the model the likelihood and the codebook that the objective has made.
  func calibrate() {
    if let likelihood = objective.likelihood { model.likelihood = likelihood }
    if let codebook = objective.codebook { model.codebook = codebook }
  }

  private func advance(
    _ adversary: any Adversary, _ images: Tensor<Float>, _ loss: (AdversaryStep) throws -> LossTerms
  ) throws -> [(name: String, value: Double)] {
    let device = model.device,
      pass = Pass(
        training: [adversary.parameters], updating: adversaryOptimizer.map { [$0] } ?? [], on: device, profile: profile)
    let posterior = pass.tape.phase("encoder") {
      // As in training, but nothing of the model changes.
      model.encoder(images, Pass(training: [], mode: .training, on: device, profile: profile))
    }
    let codes = pass.tape.phase("codes") {
      var noise = stream.split("second noise", step)
      return posterior.sample(noise: noise.normalTensor(posterior.mean.shape, on: device)).value
    }
    let terms = try pass.tape.phase("adversary") {
      try loss(AdversaryStep(codes: codes, stream: stream.split("adversary", step), pass: pass))
    }
    let total = terms.total
    let values = try checked(terms, loss: Double(total.scalar))
    try pass.tape.backward(from: total)
    pass.tape.phase("optimiser") { adversaryOptimizer?.update() }
    return values
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

  /// Whether every parameter and the objective's state are finite: a checkpoint of anything else would be worthless.
  public var isFinite: Bool {
    let stores = [model.parameters, objective.parameters, objective.adversary?.parameters].compactMap { $0 }
    return stores.allSatisfy { store in
      store.values.total().isFinite && store.buffers.allSatisfy { $0.value.total().isFinite }
    }
      && objective.state.values.allSatisfy { $0.allSatisfy(\.isFinite) }
  }
}

extension Model: StepNetworks {
  /// q(z|x) of images `[B, height, width, channels]`.
  public func encode(_ images: Tensor<Float>, _ pass: Pass) -> DiagonalGaussian { encoder(images, pass) }

  /// The decoder's output for codes `[B, D]`.
  public func decode(_ codes: Variable<Float>, _ pass: Pass) -> Variable<Float> { decoder(codes, pass) }

  /// −log p(x|z) of each image in nats, `[B]`.
  public func distortions(of images: Tensor<Float>, from codes: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    decoder.distortions(of: images, from: codes, likelihood, pass)
  }

  /// The mean of −log p(x|z) over the batch, a scalar in nats.
  public func meanDistortion(of images: Tensor<Float>, from codes: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    decoder.meanDistortion(of: images, from: codes, likelihood, pass)
  }
}
