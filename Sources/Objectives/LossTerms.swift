import Autodiff
import TensorCore

/// One term of a loss: its value in nats and the weight it has in the loss stay apart, so that logs show the term itself.
public struct LossTerm {
  /// Its name in logs, in lower case with underscores.
  public let name: String
  /// The term, a scalar.
  public let value: Variable<Float>
  /// Its weight in the loss.
  public let weight: Double

  /// Any term.
  public init(_ name: String, _ value: Variable<Float>, weight: Double = 1) {
    precondition(value.value.count == 1, "the term \(name) is not one value")
    (self.name, self.value, self.weight) = (name, value, weight)
  }

  /// E[−log p(x|z)], the mean distortion.
  public static func reconstruction(_ meanDistortion: Variable<Float>, weight: Double = 1) -> LossTerm {
    LossTerm("reconstruction", meanDistortion, weight: weight)
  }

  /// E[KL(q(z|x) ‖ p(z))], the rate.
  public static func rate(_ value: Variable<Float>, weight: Double = 1) -> LossTerm {
    LossTerm("kl", value, weight: weight)
  }

  /// The minibatch estimate of I(x; z), named with its estimator.
  public static func mutualInformation(_ value: Variable<Float>, weight: Double, _ estimator: String) -> LossTerm {
    LossTerm("mutual_information_\(estimator)", value, weight: weight)
  }

  /// The minibatch estimate of TC(z), named with its estimator.
  public static func totalCorrelation(_ value: Variable<Float>, weight: Double, _ estimator: String) -> LossTerm {
    LossTerm("total_correlation_\(estimator)", value, weight: weight)
  }

  /// The minibatch estimate of Σ_d KL(q(z_d) ‖ p(z_d)), named with its estimator.
  public static func dimensionWiseKL(_ value: Variable<Float>, weight: Double, _ estimator: String) -> LossTerm {
    LossTerm("dimension_wise_kl_\(estimator)", value, weight: weight)
  }
}

/// The terms of a loss.
public struct LossTerms {
  /// The weighted terms, in the order they are logged.
  public private(set) var terms: [LossTerm]
  /// Values that are logged but not trained on.
  public let observations: [(name: String, value: Double)]
  /// Computes the loss of the objective's adversary once the model has been updated; nil to leave it as it is.
  public private(set) var adversaryLoss: ((AdversaryStep) throws -> LossTerms)?

  /// Puts a loss together.
  public init(_ terms: LossTerm..., observations: [(name: String, value: Double)] = []) {
    (self.terms, self.observations) = (terms, observations)
  }

  /// The same terms, and the loss of the objective's adversary in this step.
  ///
  /// - Parameter loss: called once the model has been updated. What this step has computed (its codes, an evaluation of
  ///   the adversary on them) is at hand in the closure.
  public func trainingAdversary(_ loss: @escaping (AdversaryStep) throws -> LossTerms) -> LossTerms {
    var terms = self
    terms.adversaryLoss = loss
    return terms
  }

  /// The same loss with one term more.
  public func adding(_ term: LossTerm) -> LossTerms {
    var terms = self
    terms.terms.append(term)
    return terms
  }

  /// The term of a name.
  public subscript(_ name: String) -> LossTerm? { terms.first { $0.name == name } }

  /// Σ weight·term, a scalar in nats; terms of weight 0 stay out of it.
  public var total: Variable<Float> {
    let weighted = terms.filter { $0.weight != 0 }.map { $0.weight == 1 ? $0.value : $0.value * Float($0.weight) }
    guard let first = weighted.first else { return terms[0].value * 0 }
    return weighted.dropFirst().reduce(first, +)
  }
}
