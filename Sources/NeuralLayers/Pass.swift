import Autodiff
import TensorCore

/// One evaluation of a model: a tape, and the knowledge which parameters it trains.
public final class Pass {
  /// How layers behave that differ between training and evaluation.
  public enum Mode: Sendable, Hashable {
    /// Batch normalisation uses the batch's statistics.
    case training
    /// Batch normalisation uses running statistics.
    case evaluation
  }

  /// What is recorded.
  public let tape: Tape<Float>
  /// How layers behave that differ between training and evaluation.
  public let mode: Mode
  /// Whether any store is trained, so that a backward pass follows and the forward pass may prepare gradients.
  public let isTraining: Bool
  private let trained: [ObjectIdentifier]
  private let optimizers: [ObjectIdentifier: Optimizer]
  private var variables: [Key: Variable<Float>] = [:]
  private var updated: Set<Key> = []

  private struct Key: Hashable {
    let store: ObjectIdentifier
    let index: Int
  }

  /// A pass that trains the given stores; every other parameter is a constant.
  ///
  /// - Parameters:
  ///   - stores: the stores that are trained. Only their running statistics are updated, once in the pass, by the first
  ///     batch that a layer sees.
  ///   - mode: how layers behave. With no stores and `.training`, a pass uses batch statistics and changes nothing.
  ///   - optimizers: those of trained stores that are updated once the backward pass is over. They may update large weights
  ///     within it, whose gradients are then nowhere to be seen. A pullback that reads values of weights must have them from
  ///     a variable.
  ///   - device: where it runs.
  ///   - profile: where its time is charged, if it is measured.
  public init(
    training stores: [ParameterStore], mode: Mode = .training, updating optimizers: [Optimizer] = [], on device: Device,
    profile: StepProfile? = nil
  ) {
    tape = Tape(on: device, profile: profile)
    self.mode = mode
    isTraining = !stores.isEmpty
    trained = stores.map { ObjectIdentifier($0) }
    self.optimizers = Dictionary(optimizers.map { (ObjectIdentifier($0.store), $0) }) { first, _ in first }
  }

  /// A pass that records nothing, in evaluation mode.
  public static func evaluation(on device: Device, profile: StepProfile? = nil) -> Pass {
    Pass(training: [], mode: .evaluation, on: device, profile: profile)
  }

  /// Where the pass runs.
  public var device: Device { tape.device }

  /// A parameter as a variable of this pass, the same one each time.
  public func callAsFunction(_ parameter: Parameter) -> Variable<Float> {
    let store = ObjectIdentifier(parameter.store)
    guard trained.contains(store) else { return Variable(parameter.value) }
    let key = Key(store: store, index: parameter.index)
    if let known = variables[key] { return known }
    let variable = tape.track(
      parameter.value, gradientInto: parameter.gradient,
      updatedBy: optimizers[store].map { optimizer in { optimizer.update(parameter, fromProductOf: $0, $1) } })
    variables[key] = variable
    return variable
  }

  /// Whether a layer may update a buffer now: in training mode, if the pass trains its store, and for the first time.
  public func mayUpdate(_ buffer: Buffer) -> Bool {
    let store = ObjectIdentifier(buffer.store)
    guard mode == .training, trained.contains(store) else { return false }
    return updated.insert(Key(store: store, index: buffer.index)).inserted
  }
}
