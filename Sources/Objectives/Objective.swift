import Autodiff
import Diagnostics
import NeuralLayers
import TensorCore

/// What a model is trained to minimise.
///
/// An objective says what the batch of a step must hold (``batch``), computes its loss from a ``TrainingStep`` as named
/// terms, and needs no gradient code. The step gives it the means: to encode images, to draw codes from a posterior, to
/// decode, and the distortion, as the mean over the batch or by image.
///
/// It may own parameters that are trained with the model's (``parameters``), a second model that is trained on the codes
/// (``adversary``), and numbers that no gradient changes (``state``).
public protocol Objective {
  /// What the batch of each step must hold; by default images alone.
  var batch: BatchRequest { get }

  /// The smallest batch for which the loss is defined; by default 1.
  var minimumBatchSize: Int { get }

  /// Parameters of the objective that are trained with the model's, by the same optimiser settings; by default none.
  var parameters: ParameterStore? { get }

  /// A second model with parameters of its own that is trained on the codes; by default none.
  var adversary: (any Adversary)? { get }

  /// Numbers that the objective carries from step to step and no gradient changes, as a multiplier, a controller's
  /// integral or a moving average. They are saved in checkpoints, so that a resumed run has the same bits.
  var state: [String: [Double]] { get }

  /// Makes sure that the objective can train models of a likelihood; by default it can.
  ///
  /// - Throws: `StructuredError` if it needs another one.
  func check(_ likelihood: Likelihood) throws

  /// Makes sure that the objective can train on such data, before a run begins; by default it can.
  ///
  /// - Parameters:
  ///   - factors: the number of factors that take more than one value; 0 where none are known.
  ///   - latents: D.
  /// - Throws: `StructuredError` if they do not fit.
  func check(factors: Int, latents: Int) throws

  /// The likelihood that training has made of the configured one, for reports and exports; by default nil, for no change.
  var likelihood: Likelihood? { get }

  /// The values that codes take, where they are deterministic and discrete; by default nil, for Gaussian posteriors.
  /// Reports, encoded codes and exported weights are those of quantised codes then.
  var codebook: Codebook? { get }

  /// What the loss penalises in place of TC(z), for audits that show it beside the exact TC; by default nil.
  var dependence: DependenceMeasure? { get }

  /// Takes back a ``state`` that was saved.
  ///
  /// - Throws: `StructuredError` if it is not a state of this objective.
  func restore(state: [String: [Double]]) throws

  /// The terms of the loss on one batch. Calling it twice on equal steps gives equal losses: what changes with the steps
  /// belongs into ``update(after:_:)``.
  ///
  /// - Throws: `StructuredError` if the data does not have what the loss needs.
  func loss(of step: TrainingStep) throws -> LossTerms

  /// Called once after the parameters were updated, to change ``state``; by default nothing.
  ///
  /// - Parameters:
  ///   - step: the step whose loss was minimised.
  ///   - loss: its terms.
  func update(after step: TrainingStep, _ loss: LossTerms)
}

extension Objective {
  /// Images alone.
  public var batch: BatchRequest { .images }
  /// One image is a batch.
  public var minimumBatchSize: Int { 1 }
  /// No parameters.
  public var parameters: ParameterStore? { nil }
  /// No adversary.
  public var adversary: (any Adversary)? { nil }
  /// No state.
  public var state: [String: [Double]] { [:] }
  /// Accepts no state.
  public func restore(state: [String: [Double]]) throws {
    guard let name = state.keys.min() else { return }
    throw StructuredError("the objective keeps no state \"\(name)\"", expected: "no state")
  }
  /// Any likelihood will do.
  public func check(_ likelihood: Likelihood) throws {}
  /// Any data will do.
  public func check(factors: Int, latents: Int) throws {}
  /// No change.
  public var likelihood: Likelihood? { nil }
  /// Nothing but TC, or nothing of the kind.
  public var dependence: DependenceMeasure? { nil }
  /// Gaussian posteriors.
  public var codebook: Codebook? { nil }
  /// Changes nothing.
  public func update(after step: TrainingStep, _ loss: LossTerms) {}
}

/// A measure of the dependence between latents in a batch, other than TC.
public struct DependenceMeasure {
  /// What it is, as a table names it.
  public let title: String
  /// The measure of a batch of posterior means `[B, D]` and codes `[B, D]`.
  public let value: (_ means: Tensor<Float>, _ codes: Tensor<Float>) -> Double

  /// Describes a measure.
  public init(_ title: String, value: @escaping (_ means: Tensor<Float>, _ codes: Tensor<Float>) -> Double) {
    (self.title, self.value) = (title, value)
  }
}

/// What the batch of a step must hold.
public struct BatchRequest: Sendable, Equatable {
  /// Whether each image comes with a second one that shares some of its factors, and how these are chosen; nil for
  /// single images.
  public var pairs: PairRequest?
  /// How many images of the data set have known factor values, which come as a second batch; nil for none.
  public var labels: LabelRequest?
  /// After how many steps the whole data set is encoded anew, for a step to have the posteriors of all images
  /// (``TrainingStep/cached``); nil for never. It takes the time of an encoding, and the memory of the posteriors.
  public var encodingInterval: Int?

  /// Asks for images and, if given, for pairs, labels and the posteriors of all images.
  public init(pairs: PairRequest? = nil, labels: LabelRequest? = nil, encodingInterval: Int? = nil) {
    (self.pairs, self.labels, self.encodingInterval) = (pairs, labels, encodingInterval)
  }

  /// Images alone.
  public static let images = BatchRequest()
}

/// How the second image of a pair is chosen: it shares the values of all factors with the first but those of k factors,
/// which are chosen without replacement and drawn anew.
public struct PairRequest: Sendable, Equatable {
  /// The number k of factors that change in a pair, of K that take more than one value.
  public enum ChangedFactors: Sendable, Equatable {
    /// Always k.
    case fixed(Int)
    /// Uniform on 1 … K − 1 for each pair.
    case uniform
    /// k or 1, each with probability ½ for each pair.
    case fixedOrOne(Int)
    /// Uniform on 1 … K − 1 or 1, each with probability ½ for each pair.
    case uniformOrOne
  }

  /// The number of factors that change.
  public var changedFactors: ChangedFactors
  /// Whether the new value of a changed factor differs from the old one. Otherwise it is drawn uniformly from all values
  /// and may happen to be the same.
  public var valuesDiffer: Bool

  /// Describes pairs.
  public init(changedFactors: ChangedFactors = .uniform, valuesDiffer: Bool = true) {
    (self.changedFactors, self.valuesDiffer) = (changedFactors, valuesDiffer)
  }
}

/// How many images have known factor values.
public struct LabelRequest: Sendable, Equatable {
  /// The number of labelled images, a fixed subset that depends on the seed alone.
  public var count: Int
  /// The number of labelled images in a step; nil for the batch size.
  public var batchSize: Int?

  /// Describes the labelled part.
  public init(count: Int, batchSize: Int? = nil) { (self.count, self.batchSize) = (count, batchSize) }
}
