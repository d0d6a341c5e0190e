import Diagnostics
import Foundation
import StrictConfiguration

/// Constrained VAE: the constraint form of β-VAE, with the multiplier β found by dual ascent instead of chosen.
///
///     max E[log p(x|z)]  subject to  KL(q(z|x) ‖ p(z)) ≤ δ
///
///     L = E[−log p(x|z)] + β·(KL − δ),   β ← max(0, β + η·(KL − δ))     or     β ← β·exp(η·(KL − δ))
///
/// The problem is that of Higgins et al. 2017 (ICLR), whose Lagrangian (Eq. 4) is β-VAE's loss up to the constant
/// −β·δ; there β is fixed. Here it rises while the rate of the batch is above δ and falls while it is below, so that
/// training ends on the rate–distortion curve at rate δ, where β is minus the slope. β changes after each step, from the
/// rate of the step's batch (Arrow, Hurwicz & Uzawa 1958).
public final class ConstrainedVAE: Objective {
  /// How the multiplier moves.
  public enum Ascent: String, CaseIterable, Sendable {
    /// β ← max(0, β + η·(KL − δ)).
    case additive
    /// β ← β·exp(η·(KL − δ)): positive, and as quick at any scale.
    case exponential
  }

  /// Settings.
  public struct Configuration: ObjectiveConfiguration {
    /// δ, the largest rate in nats.
    public var delta = 10.0
    /// How the multiplier moves.
    public var ascent = Ascent.additive
    /// η.
    public var rate = 0.01
    /// β at the first step.
    public var initialBeta = 1.0

    /// Reads `delta`, `ascent`, `rate` and `initial_beta`.
    public init(from section: inout ConfigurationSection) throws {
      delta = try section.number("delta", default: delta, in: .moreThan(0))
      ascent = try section.choice("ascent", default: ascent)
      rate = try section.number("rate", default: ascent == .additive ? 0.01 : 0.002, in: .moreThan(0))
      initialBeta = try section.number(
        "initial_beta", default: initialBeta, in: ascent == .additive ? .atLeast(0) : .moreThan(0))
    }

    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective { ConstrainedVAE(self) }
  }

  /// β, from step to step.
  package struct Multiplier: Equatable {
    /// β ≥ 0.
    package var value: Double
    let ascent: Ascent
    let rate: Double

    package init(_ configuration: Configuration) {
      (value, ascent, rate) = (configuration.initialBeta, configuration.ascent, configuration.rate)
    }

    /// Moves β by what the constraint was exceeded by, in nats.
    package mutating func ascend(_ excess: Double) {
      switch ascent {
      case .additive: value = max(0, value + rate * excess)
      // Bounds keep it a number: outside them the loss has one term only.
      case .exponential: value = min(max(value * exp(rate * excess), 1e-12), 1e12)
      }
    }
  }

  private let configuration: Configuration
  private var multiplier: Multiplier

  init(_ configuration: Configuration) { (self.configuration, multiplier) = (configuration, Multiplier(configuration)) }

  /// E[−log p(x|z)] + β·(KL − δ). The constant −β·δ is left out of the loss, as it has no gradient.
  public func loss(of step: TrainingStep) -> LossTerms {
    LossTerms(
      .reconstruction(step.meanDistortion),
      .rate(step.posterior.rate, weight: multiplier.value),
      observations: [("beta", multiplier.value)])
  }

  /// Moves the multiplier by the rate of the batch.
  public func update(after step: TrainingStep, _ loss: LossTerms) {
    guard let rate = loss["kl"]?.value.scalar else { return }
    multiplier.ascend(Double(rate) - configuration.delta)
  }

  /// The multiplier.
  public var state: [String: [Double]] { ["beta": [multiplier.value]] }

  /// Takes back the multiplier.
  public func restore(state: [String: [Double]]) throws {
    multiplier.value = try ScalarState(state, ["beta"]).values[0]
  }
}
