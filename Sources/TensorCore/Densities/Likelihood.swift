/// The likelihood p(x|z) that a decoder's output parameterises. Distortions are negative log-likelihoods in nats,
/// constants included, summed over pixels.
public enum Likelihood: Sendable, Hashable {
  /// The output is the logit l of each pixel: −log p = max(l, 0) − l·x + log(1 + e^{−|l|}).
  case bernoulli
  /// The output is the mean, the standard deviation s is fixed: −log p = ½[(x − m)²/s² + log 2πs²].
  case gaussian(standardDeviation: Float)
  /// The output is the median, the scale b is fixed: −log p = |x − m|/b + log 2b.
  case laplace(scale: Float)

  /// The name in configurations.
  public var name: String {
    switch self {
    case .bernoulli: "bernoulli"
    case .gaussian: "gaussian"
    case .laplace: "laplace"
    }
  }

  /// Whether p is a probability and not a density: only then does H − D bound the mutual information.
  public var isDiscrete: Bool { self == .bernoulli }
}
