import Foundation

/// The terms of a decomposition that need images: the distortion, and the entropy of the data.
public struct ImageTerms: Sendable, Equatable {
  /// E[−log p(x|z)], averaged over the data, in nats.
  public var distortion: Double
  /// Its standard error, where it was measured on a sample of the images; nil where it is not known.
  public var distortionStandardError: Double?
  /// Whether the likelihood is that of discrete data (Bernoulli on binary images). Only then is H − D a bound.
  public var likelihoodIsDiscrete: Bool
  /// The likelihood's name, for the reason why there is no bound.
  public var likelihood: String
  /// H = log N − (1/N) Σ c log c over the multiplicities c of identical images, in nats; nil where images were not counted.
  public var dataEntropy: Double?

  /// Gathers the terms.
  public init(
    distortion: Double, standardError: Double? = nil, likelihood: String, likelihoodIsDiscrete: Bool,
    dataEntropy: Double?
  ) {
    self.distortion = distortion
    distortionStandardError = standardError
    self.likelihood = likelihood
    self.likelihoodIsDiscrete = likelihoodIsDiscrete
    self.dataEntropy = dataEntropy
  }
}

extension RateDecomposition.InformationBounds {
  init(mutualInformation: Estimate, rate: Double, images: ImageTerms?, dataCount: Int) {
    upper = rate
    ceiling = images?.dataEntropy ?? log(Double(dataCount))
    if let images, images.likelihoodIsDiscrete, let entropy = images.dataEntropy {
      lower = entropy - images.distortion
    } else if let images {
      lowerReason =
        images.likelihoodIsDiscrete
        ? "the entropy of the data is not known"
        : "with a \(images.likelihood) likelihood of these images the distortion is not that of discrete data, and "
          + "H − D is no bound"
    } else {
      lowerReason = "there are no images, hence no distortion"
    }
    let slack = 4 * (mutualInformation.standardError ?? .infinity) + 1e-6 * max(1, rate)
    let lowerSlack = slack + 4 * (images?.distortionStandardError ?? 0)
    hold =
      mutualInformation.value <= min(upper, ceiling) + slack && mutualInformation.value >= (lower ?? 0) - lowerSlack
  }
}
