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
  private let store: ParameterStore
  /// How many updates have been made.
  public private(set) var steps = 0
  /// What it remembers between updates, flat like the parameters: Adam's two moments, or the velocity.
  public let moments: [Tensor<Float>]

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

  private func advance() {
    steps += 1
    switch settings {
    case .adam(let rate, let beta1, let beta2, let epsilon, let decay):
      if decay > 0 { self.decay(by: Float(1 - rate * decay)) }
      store.values.adam(
        gradient: store.gradients, first: moments[0], second: moments[1], rate: rate, beta1: beta1, beta2: beta2,
        epsilon: epsilon, step: steps)
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
