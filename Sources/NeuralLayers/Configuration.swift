import StrictConfiguration
import TensorCore

extension OptimizerSettings {
  /// Adam as disentanglement_lib sets it: rate 1e-4, β₁ 0.9, β₂ 0.999, ε 1e-8.
  public static let standard = adam(learningRate: 1e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8)

  /// Reads an optimiser's section; what is absent is as in `standard`.
  ///
  /// - Throws: `StructuredError` for anything that is not a setting of the optimiser named.
  public init(from section: inout ConfigurationSection, default standard: OptimizerSettings = .standard) throws {
    let name = try section.choice("name", among: ["adam", "sgd"], default: standard.name)
    var rate = 1e-4, betas = (0.9, 0.999), epsilon = 1e-8, decay = 0.0, momentum = 0.0
    switch standard {
    case .adam(let r, let beta1, let beta2, let e, let d): (rate, betas, epsilon, decay) = (r, (beta1, beta2), e, d)
    case .sgd(let r, let m): (rate, momentum) = (r, m)
    }
    rate = try section.number("learning_rate", default: rate, in: .moreThan(0))
    if name == "adam" {
      self = .adam(
        learningRate: rate, beta1: try section.number("beta1", default: betas.0, in: .within(0..<1)),
        beta2: try section.number("beta2", default: betas.1, in: .within(0..<1)),
        epsilon: try section.number("epsilon", default: epsilon, in: .moreThan(0)),
        weightDecay: try section.number("weight_decay", default: decay, in: .within(0..<1)))
    } else {
      self = .sgd(learningRate: rate, momentum: try section.number("momentum", default: momentum, in: .within(0..<1)))
    }
  }
}

extension Likelihood: StrictlyDecodable {
  /// Reads `{name: bernoulli}`, `{name: gaussian, standard_deviation: …}` or `{name: laplace, scale: …}`.
  ///
  /// - Throws: `StructuredError` for another name or key.
  public init(from section: inout ConfigurationSection) throws {
    switch try section.choice("name", among: ["bernoulli", "gaussian", "laplace"], default: "bernoulli") {
    case "gaussian":
      self = .gaussian(standardDeviation: Float(try section.number("standard_deviation", default: 1, in: .moreThan(0))))
    case "laplace": self = .laplace(scale: Float(try section.number("scale", default: 1, in: .moreThan(0))))
    default: self = .bernoulli
    }
  }
}
