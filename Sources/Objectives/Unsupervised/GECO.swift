import Diagnostics
import Foundation
import StrictConfiguration

/// GECO: the smallest rate at which images are reconstructed well enough, by a multiplier of the distortion.
///
///     min KL(q(z|x) ‖ p(z))  subject to  E[−log p(x|z)] ≤ κ
///
///     L = KL + λ·(E[−log p(x|z)] − κ)
///     C̄ ← α·C̄ + (1 − α)·(E[−log p(x|z)] − κ),   λ ← λ·exp(ν·C̄)
///
/// Rezende & Viola 2018 (arXiv:1810.00597), algorithm 1. The moving average C̄ begins with the constraint of the
/// first batch, and λ moves by the average that holds the present step already.
public final class GECO: Objective {
  /// Settings.
  public struct Configuration: ObjectiveConfiguration {
    /// κ, the largest mean distortion, in nats an image.
    public var tolerance = 30.0
    /// α, the weight of the past in the moving average.
    public var averaging = 0.99
    /// ν, how quickly λ moves, per nat.
    public var rate = 0.001
    /// λ at the first step.
    public var initialLambda = 1.0

    /// Reads `tolerance`, `averaging`, `rate` and `initial_lambda`.
    public init(from section: inout ConfigurationSection) throws {
      tolerance = try section.number("tolerance", default: tolerance)
      averaging = try section.number("averaging", default: averaging, in: .within(0..<1))
      rate = try section.number("rate", default: rate, in: .moreThan(0))
      initialLambda = try section.number("initial_lambda", default: initialLambda, in: .moreThan(0))
    }

    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective { GECO(configuration: self) }
  }

  private let configuration: Configuration
  private var multiplier: Multiplier

  /// λ and the moving average, from step to step.
  package struct Multiplier: Equatable {
    /// λ > 0.
    package var lambda: Double
    /// C̄ in nats; nil before the first step.
    package var average: Double?
    let averaging: Double
    let rate: Double

    package init(_ configuration: Configuration) {
      (lambda, averaging, rate) = (configuration.initialLambda, configuration.averaging, configuration.rate)
    }

    /// Moves both by a batch's constraint, in nats.
    package mutating func ascend(_ constraint: Double) {
      let mean = average.map { averaging * $0 + (1 - averaging) * constraint } ?? constraint
      average = mean
      lambda = min(max(lambda * exp(rate * mean), 1e-12), 1e12)
    }
  }

  init(configuration: Configuration) {
    (self.configuration, multiplier) = (configuration, Multiplier(configuration))
  }

  /// KL + λ·E[−log p(x|z)]. The constant −λ·κ is left out of the loss, as it has no gradient.
  public func loss(of step: TrainingStep) -> LossTerms {
    LossTerms(
      .reconstruction(step.meanDistortion, weight: multiplier.lambda),
      .rate(step.posterior.rate),
      observations: [("lambda", multiplier.lambda)])
  }

  /// Moves the multiplier by the distortion of the batch.
  public func update(after step: TrainingStep, _ loss: LossTerms) {
    guard let distortion = loss["reconstruction"]?.value.scalar else { return }
    multiplier.ascend(Double(distortion) - configuration.tolerance)
  }

  /// λ, and after the first step C̄.
  public var state: [String: [Double]] {
    ["lambda": [multiplier.lambda]].merging(multiplier.average.map { ["average": [$0]] } ?? [:]) { first, _ in first }
  }

  /// Takes both back.
  public func restore(state: [String: [Double]]) throws {
    let names = ["lambda"] + (state["average"] == nil ? [] : ["average"])
    let values = try ScalarState(state, names).values
    (multiplier.lambda, multiplier.average) = (values[0], values.count > 1 ? values[1] : nil)
  }
}
