import TensorCore

/// An optimiser's settings.
public enum OptimizerSettings: Sendable, Equatable {
  /// Adam (Kingma & Ba 2015, Algorithm 1). With a weight decay λ it is AdamW (Loshchilov & Hutter 2019,
  /// arXiv:1711.05101): p ← p − rate·(Adam's step + λ·p) for weights; biases, the parameters of normalisations and those
  /// of an objective are not decayed.
  case adam(learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double = 0)
  /// Stochastic gradient descent with heavy-ball momentum: v ← m·v + g, p ← p − rate·v.
  case sgd(learningRate: Double, momentum: Double)

  /// The name in configurations.
  public var name: String {
    switch self {
    case .adam: "adam"
    case .sgd: "sgd"
    }
  }
}

extension OptimizerSettings {
  /// How many values the optimiser remembers for each parameter: two for Adam, one for gradient descent with momentum.
  public var momentCount: Int { if case .adam = self { 2 } else { 1 } }
}

/// Updates the parameters of one store from their gradients.
public final class Optimizer {
  /// The settings.
  public let settings: OptimizerSettings
  let store: ParameterStore
  /// How many updates have been made.
  public private(set) var steps = 0
  /// What it remembers between updates, flat like the parameters: Adam's two moments, or the velocity.
  public let moments: [Tensor<Float>]
  /// The arrays that the next update finds updated.
  private var updated: Set<Int> = []

  /// An optimiser that has not made a step.
  public init(_ settings: OptimizerSettings, for store: ParameterStore) {
    self.settings = settings
    self.store = store
    moments = (0..<settings.momentCount).map { _ in Tensor(repeating: 0, store.values.shape, on: store.device) }
  }

  /// Goes on where another optimiser of the same settings stopped.
  public func restore(steps: Int, moments: [[Float]]) {
    requireFit(
      moments.map(\.count) == self.moments.map(\.count), "restore",
      "moments of \(moments.map(\.count)) values for \(self.moments.map(\.shape))")
    self.steps = steps
    for (tensor, elements) in zip(self.moments, moments) {
      tensor.copy(from: Tensor(elements, tensor.shape, on: store.device))
    }
  }

  /// One update from the gradients in the store. Moments that would be denormal become 0.
  public func update() { flushingDenormals(advance) }

  /// Arrays of fewer values stay in the cache from the backward pass to the update.
  static let leastFused = 1 << 18

  /// Makes the next update of one array of weights at once, from its gradient aᵀ·b: neither written to memory nor read
  /// from there, the gradient of a large array costs a third less. ``update()`` leaves the array out then. The values are the same
  /// to the bit.
  ///
  /// - Parameters:
  ///   - parameter: an array of the store, whose values the backward pass no longer needs.
  ///   - a: `[B, inputs]`.
  ///   - b: `[B, outputs]`.
  /// - Returns: false if this cannot be done: then nothing has changed, and the gradient has to be computed.
  func update(_ parameter: Parameter, fromProductOf a: Tensor<Float>, _ b: Tensor<Float>) -> Bool {
    guard case .adam(let rate, let beta1, let beta2, let epsilon, let decay) = settings, decay == 0,
      parameter.store === store, parameter.value.count >= Self.leastFused, a.shape[0] <= Tensor<Float>.mostFusedRows
    else { return false }
    requireFit(!updated.contains(parameter.index), "Optimizer", "\(parameter.name) is updated twice in one step")
    parameter.value.adam(
      gradientOf: a, b, first: parameter.view(of: moments[0]), second: parameter.view(of: moments[1]),
      AdamStep(rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, step: steps + 1))
    updated.insert(parameter.index)
    return true
  }

  private func advance() {
    steps += 1
    defer { updated = [] }
    switch settings {
    case .adam(let rate, let beta1, let beta2, let epsilon, let decay):
      if decay > 0 { self.decay(by: Float(1 - rate * decay)) }
      let step = AdamStep(rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, step: steps)
      for range in store.ranges(without: updated) {
        func part(_ tensor: Tensor<Float>) -> Tensor<Float> {
          Tensor(viewing: tensor, offset: range.lowerBound, shape: [range.count])
        }
        part(store.values).adam(
          gradient: part(store.gradients), first: part(moments[0]), second: part(moments[1]), step)
      }
    case .sgd(let rate, let momentum):
      moments[0].descend(store.values, gradient: store.gradients, rate: rate, momentum: momentum)
    }
  }

  private func decay(by factor: Float) {
    for index in store.entries.indices {
      guard case .weight = store.entries[index].role else { continue }
      let weights = store.parameter(at: index).value
      weights.copy(from: weights.affine(scale: factor, shift: 0))
    }
  }
}
