import Foundation

extension RateDecomposition {
  /// What a reader should know of deterministic codes.
  static let countingNote =
    "The codes are deterministic and discrete, so I(x; z), TC and the entropies follow by counting, without error. The prior "
    + "is taken to be uniform over the values of each latent; under it the rate is D·log V whatever the encoder does. What needs densities (minibatch estimators, the marginal "
    + "likelihood) is left out."

  /// Warnings about the numbers, as sentences.
  func findings(indicesKnown: Bool) -> [String] {
    var notes: [String] = []
    let inactive = klPerDimension.indices.filter { !isActive($0) }
    if estimator == .counting { notes.append(Self.countingNote) }
    if activeUnits == 0 { notes.append(CollapseFindings.wholePosterior(activityRule)) }
    let idle = estimator == .counting ? [] : inactive.filter { klPerDimension[$0] > CollapseFindings.idleKL }
    if let sentence = CollapseFindings.inWords(idle) { notes.append(sentence) }
    if monteCarloResidual.withinFourStandardErrors == false {
      notes.append(
        "The mean of log q(z|x) − log p(z) over the samples is more than four standard errors away from the rate: "
          + (estimator == .fixedSamples
            ? "the samples were probably not drawn from this posterior." : "do not trust these numbers."))
    }
    if abs(identityResidual) > 1e-6 * max(1, rate, jointEntropy.value.magnitude) {
      notes.append(
        "The sum of the three terms differs from the rate by \(identityResidual) nats, more than rounding explains.")
    }
    if !informationBounds.hold {
      notes.append("The mutual information is outside its bounds by more than four standard errors.")
    }
    if dataPoints > 1, mutualInformation.value > 0.95 * informationBounds.ceiling {
      notes.append(
        "The mutual information is close to its ceiling, the entropy of the data: nearly every data point can be "
          + "identified by its code, and more data would raise it.")
    }
    if estimator == .monteCarlo {
      notes.append(
        "Some posteriors are so narrow, compared with the distances between them, that the marginal entropies could not "
          + "be integrated: all terms are means over samples.")
    }
    if !indicesKnown {
      notes.append(
        "The data points of the samples are not known: the mutual information uses the conditional entropy "
          + "in closed form.")
    }
    if samples < 1_000, ![.fixedSamples, .counting].contains(estimator) {
      notes.append("\(samples) samples are few: standard errors are rough below 1,000.")
    }
    return notes
  }
}
