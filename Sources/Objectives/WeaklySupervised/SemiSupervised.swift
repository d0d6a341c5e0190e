import Autodiff
import Diagnostics
import NeuralLayers
import StrictConfiguration
import TensorCore

/// Semi-supervised regularisation: any objective, and the posterior means of a few labelled images pulled towards their
/// factors.
///
///     L = L_base + γ·(1/n)·Σ_i Σ_k R(μ_k(x_i), y_ik)
///
///     cross-entropy:  R = softplus(μ) − y·μ, the cross-entropy of sigmoid(μ)
///     l2:             R = (μ − y)²
///     l2-sigmoid:     R = (sigmoid(μ) − y)²
///     l2-scaled:      R = (b·μ − class)², with a learned scale b
///
/// Locatello et al. 2020 (arXiv:1905.01258). Latent k stands for factor k of those that take more than one value. The
/// mean is over the labelled images of a step; disentanglement_lib sums over them, so that its γ is this γ divided by n.
public struct SemiSupervised: Objective {
  /// R.
  public enum Regularizer: String, CaseIterable, Sendable {
    /// The cross-entropy of the sigmoid.
    case crossEntropy = "cross-entropy"
    /// The squared error of the mean.
    case squared = "l2"
    /// The squared error of the sigmoid.
    case squaredSigmoid = "l2-sigmoid"
    /// The squared error of the scaled mean against the class itself.
    case scaled = "l2-scaled"
  }

  /// What a class from 0 to n − 1 becomes.
  public enum Targets: String, CaseIterable, Sendable {
    /// class/n, as in disentanglement_lib: below 1.
    case fraction
    /// class/(n − 1), from 0 to 1.
    case unit

    func value(of index: Int32, size: Int) -> Float { Float(index) / Float(self == .fraction ? size : size - 1) }
  }

  /// Settings.
  public struct Configuration: ObjectiveConfiguration {
    /// The objective that labels are added to.
    public let base: any ObjectiveConfiguration
    /// Weight of the labels.
    public var gamma: Schedule = 1
    /// R.
    public var regularizer = Regularizer.crossEntropy
    /// What classes become.
    public var targets = Targets.fraction
    /// The number of labelled images.
    public var labels = 1000
    /// How many of them a step has; nil for the batch size.
    public var labelledBatch: Int?

    /// Reads the section `base`, `gamma`, `loss`, `targets`, `labels` and `labelled_batch_size`.
    public init(from section: inout ConfigurationSection) throws {
      base = try section.section("base") { inner in
        let others = Registry<ObjectiveEntry>.standard.entries.filter { $0.configuration != Configuration.self }
        let name = try inner.choice("name", among: others.map(\.name), default: "beta-vae")
        let entry = try Registry<ObjectiveEntry>.standard.entry(named: name, at: inner.fullPath("name"))
        return try entry.configuration.init(from: &inner)
      }
      gamma = try section.schedule("gamma", default: gamma, in: .atLeast(0))
      regularizer = try section.choice("loss", default: regularizer)
      if regularizer != .scaled { targets = try section.choice("targets", default: targets) }
      labels = try section.integer("labels", default: labels, in: .atLeast(1))
      labelledBatch = try section.optional("labelled_batch_size") { try $0.integer($1, in: .atLeast(1)) }
    }

    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective { SemiSupervised(self, context) }

    /// What the base takes.
    public func memory(for step: StepSize) -> [MemoryRequirement] { base.memory(for: step) }
  }

  private let configuration: Configuration
  private let base: any Objective
  private let scale: Parameter?

  init(_ configuration: Configuration, _ context: ObjectiveContext) {
    self.configuration = configuration
    base = configuration.base.objective(in: context)
    scale =
      configuration.regularizer == .scaled
      ? (base.parameters ?? ParameterStore(on: context.device)).add("label_scale", [1], initial: 1) : nil
    scale?.store.initialize(context.initializer, from: context.stream.split("labels"))
  }

  /// What the base asks for, and labelled images.
  public var batch: BatchRequest {
    var request = base.batch
    request.labels = LabelRequest(count: configuration.labels, batchSize: configuration.labelledBatch)
    return request
  }
  /// The base's.
  public var minimumBatchSize: Int { base.minimumBatchSize }
  /// The base's, and the scale.
  public var parameters: ParameterStore? { scale?.store ?? base.parameters }
  /// The base's.
  public var adversary: (any Adversary)? { base.adversary }
  /// The base's.
  public var state: [String: [Double]] { base.state }
  /// Takes the base's state back.
  public func restore(state: [String: [Double]]) throws { try base.restore(state: state) }
  /// As the base.
  public func check(_ likelihood: Likelihood) throws { try base.check(likelihood) }
  /// Makes sure that there is a latent for each factor, and asks the base.
  public func check(factors: Int, latents: Int) throws {
    try requireLatent(forEach: factors, of: latents)
    try base.check(factors: factors, latents: latents)
  }
  /// The base's.
  public var likelihood: Likelihood? { base.likelihood }
  /// The base's.
  public var codebook: Codebook? { base.codebook }
  /// The base's.
  public var dependence: DependenceMeasure? { base.dependence }
  /// As the base.
  public func update(after step: TrainingStep, _ loss: LossTerms) { base.update(after: step, loss) }

  /// The base's terms and the labels'.
  ///
  /// - Throws: `StructuredError` if there are more factors than latents, and what the base throws.
  public func loss(of step: TrainingStep) throws -> LossTerms {
    guard let labelled = step.labelled else { preconditionFailure("the batch holds what was asked for") }
    let means = step.encode(labelled.images).mean
    let value = try regularizer(of: means, labelled, step.pass)
    return try base.loss(of: step).adding(
      LossTerm("supervised", value, weight: configuration.gamma.value(at: step.number)))
  }

  /// The mean over images of Σ_k R, for means `[n, D]`.
  package func regularizer(of means: Variable<Float>, _ labelled: LabelledImages, _ pass: Pass) throws -> Variable<
    Float
  > {
    let factors = labelled.sizes.indices.filter { labelled.sizes[$0] > 1 }, images = means.shape[0]
    try requireLatent(forEach: factors.count, of: means.shape[1])
    let targets = (0..<images).flatMap { image in
      factors.map { factor in
        let index = labelled.values[image * labelled.sizes.count + factor]
        return configuration.regularizer == .scaled
          ? Float(index) : configuration.targets.value(of: index, size: labelled.sizes[factor])
      }
    }
    let y = Variable(Tensor(targets, [images, factors.count], on: pass.device)), mean = means.columns(0..<factors.count)
    let values: Variable<Float>
    switch configuration.regularizer {
    case .crossEntropy: values = mean.softplus() - mean * y
    case .squared: values = (mean - y).squared()
    case .squaredSigmoid: values = (mean.sigmoid() - y).squared()
    case .scaled: values = ((scale.map { pass($0) * mean } ?? mean) - y).squared()
    }
    return values.sum() / Float(images)
  }
}
