import Diagnostics
import Foundation
import StrictConfiguration

/// ControlVAE: a VAE whose β a proportional–integral controller sets so that the rate follows a set point C.
///
///     L = E[−log p(x|z)] + β(t)·KL(q(z|x) ‖ p(z)),   e(t) = C(t) − KL(t)
///
///     I(t) = I(t−1) − K_i·e(t)   unless the last unclipped β was below β_min
///     β(t) = clip(K_p/(1 + exp e(t)) + I(t) + β_min)   to at least β_min and at most β_max
///
/// Shao et al. 2020 (arXiv:2004.05988), algorithm 1. β(t) is computed from the rate of the very batch that
/// it weighs. While the integral is frozen below −K_p nothing lifts β again, however large the rate: with K_i = 0.001 one
/// step whose rate is 10 nats below C is enough. A set point that begins low and rises slowly avoids it.
public final class ControlVAE: Objective {
  /// Settings.
  public struct Configuration: ObjectiveConfiguration {
    /// C in nats. The default rises by 0.15 every 5,000 steps, as in the authors' code for disentangling.
    public var setPoint = Schedule.linear(from: 0.5, to: 16, steps: 516_667)
    /// The number of steps for which C stays as it is.
    public var setPointEvery = 5000
    /// K_p.
    public var proportionalGain = 0.01
    /// K_i, per nat.
    public var integralGain = 0.001
    /// The least β.
    public var minimumBeta = 1.0
    /// The largest β; nil for none.
    public var maximumBeta: Double?

    /// Reads `set_point`, `set_point_every`, `kp`, `ki`, `beta_min` and `beta_max`.
    public init(from section: inout ConfigurationSection) throws {
      setPoint = try section.schedule("set_point", default: setPoint, in: .atLeast(0))
      setPointEvery = try section.integer("set_point_every", default: setPointEvery, in: .atLeast(1))
      proportionalGain = try section.number("kp", default: proportionalGain, in: .atLeast(0))
      integralGain = try section.number("ki", default: integralGain, in: .atLeast(0))
      minimumBeta = try section.number("beta_min", default: minimumBeta, in: .atLeast(0))
      maximumBeta = try section.optional("beta_max") { [minimumBeta] in
        try $0.number($1, in: .moreThan(minimumBeta))
      }
    }

    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective { ControlVAE(configuration: self) }

    /// C at a step counted from 0, in nats. Here the first step is number 1, as in the authors' code.
    package func setPoint(at step: Int) -> Double {
      setPoint.value(at: (step + 1) / setPointEvery * setPointEvery)
    }
  }

  /// The controller, in double precision, since it accumulates.
  package struct Controller: Equatable {
    /// I.
    package var integral = 0.0
    /// β before it was clipped, at the last step.
    package var unclipped: Double
    /// β.
    package private(set) var beta: Double
    private let gains: (proportional: Double, integral: Double)
    private let bounds: (least: Double, most: Double)

    package init(_ configuration: Configuration) {
      gains = (configuration.proportionalGain, configuration.integralGain)
      bounds = (configuration.minimumBeta, configuration.maximumBeta ?? .infinity)
      (unclipped, beta) = (bounds.least, bounds.least)
    }

    /// β for a step.
    ///
    /// - Parameters:
    ///   - setPoint: C in nats.
    ///   - rate: the rate of the step's batch in nats.
    package mutating func control(setPoint: Double, rate: Double) {
      let error = setPoint - rate
      if unclipped >= bounds.least, unclipped <= bounds.most { integral -= gains.integral * error }
      unclipped = gains.proportional / (1 + exp(error)) + integral + bounds.least
      beta = min(max(unclipped, bounds.least), bounds.most)
    }

    package static func == (a: Controller, b: Controller) -> Bool {
      a.integral == b.integral && a.unclipped == b.unclipped
    }
  }

  private let configuration: Configuration
  private var controller: Controller

  init(configuration: Configuration) {
    (self.configuration, controller) = (configuration, Controller(configuration))
  }

  /// The controller as it is after a batch of this rate, in nats.
  private func controlled(_ rate: Float, at step: Int) -> Controller {
    var controller = controller
    controller.control(setPoint: configuration.setPoint(at: step), rate: Double(rate))
    return controller
  }

  /// E[−log p(x|z)] + β·KL.
  public func loss(of step: TrainingStep) -> LossTerms {
    let rate = step.posterior.rate, beta = controlled(rate.scalar, at: step.number).beta
    return LossTerms(
      .reconstruction(step.meanDistortion),
      .rate(rate, weight: beta),
      observations: [("beta", beta), ("set_point", configuration.setPoint(at: step.number))])
  }

  /// Keeps the controller's new state.
  public func update(after step: TrainingStep, _ loss: LossTerms) {
    guard let rate = loss["kl"]?.value.scalar else { return }
    controller = controlled(rate, at: step.number)
  }

  /// The integral, and the last unclipped β.
  public var state: [String: [Double]] { ["integral": [controller.integral], "unclipped": [controller.unclipped]] }

  /// Takes both back.
  public func restore(state: [String: [Double]]) throws {
    let values = try ScalarState(state, ["integral", "unclipped"]).values
    (controller.integral, controller.unclipped) = (values[0], values[1])
  }
}
