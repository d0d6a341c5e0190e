import Autodiff
import Diagnostics
import Foundation
import Objectives
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

// The worked example of CONTRIBUTING.md, compiled and run. The last test holds the two texts together.

/// A VAE whose rate is pulled towards C nats.
///
///     L = E[−log p(x|z)] + γ·(KL(q(z|x) ‖ p(z)) − C)²
struct RateTargetVAE: Objective {
  struct Configuration: ObjectiveConfiguration {
    /// Weight of the squared difference, per nat².
    var gamma: Schedule = 1
    /// C, in nats.
    var target = 10.0

    init(from section: inout ConfigurationSection) throws {
      gamma = try section.schedule("gamma", default: 1, in: .atLeast(0))
      target = try section.number("target", default: 10, in: .atLeast(0))
    }

    func objective(in context: ObjectiveContext) -> any Objective { RateTargetVAE(configuration: self) }
  }

  let configuration: Configuration

  func loss(of step: TrainingStep) -> LossTerms {
    let excess = step.posterior.rate - Float(configuration.target)
    return LossTerms(
      .reconstruction(step.meanDistortion),
      LossTerm("rate_excess_squared", excess.squared(), weight: configuration.gamma.value(at: step.number)))
  }
}

@Suite("The example of CONTRIBUTING.md")
struct ContributingExampleTests {
  @Test("RateTargetVAE passes the conformance kit, and has no pull at the target")
  func rateTarget() throws {
    try checkObjective(RateTargetVAE.Configuration.self, "{gamma: 2, target: 3}")
  }

  @Test(
    "Every objective of the registry passes the conformance kit",
    // The gradient of a quantised code is by definition not that of the loss; it has tests of its own.
    arguments: Registry<ObjectiveEntry>.standard.entries.map(\.name).filter { $0 != "qlae" })
  func registry(name: String) throws {
    let entry = try #require(Registry<ObjectiveEntry>.standard.entries.first { $0.name == name })
    let settings = [
      // Differences see the kinks of a large discriminator; the kit's step is made for smooth losses.
      "factor-vae": "{gamma: 1, discriminator: {layers: 1, width: 4}}",
      // The controller's β is a constant of a step, but follows the rate that differences change.
      "control-vae": "{kp: 0, ki: 0}",
      // The farthest point changes within the differences; a smaller weight keeps that kink below the tolerance.
      "hfs": "{pairs: 1, gamma: 0.5}",
    ]
    try checkObjective(entry.configuration, settings[name] ?? "{}")
  }
}
