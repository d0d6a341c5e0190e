import Foundation
import TensorCore

/// The entropies of an aggregate posterior and the three terms that follow from them.
struct Entropies {
  var method: RateDecomposition.Method
  var sampleCount: Int
  var joint: Estimate
  var marginals: [Double]
  var mutualInformation: Estimate
  var totalCorrelation: Estimate
  var dimensionWiseKL: RateDecomposition.DimensionWiseKL
  /// The mean of log q(z|x) − log p(z) over the samples, an estimate of the rate.
  var sampledRate: Estimate
  /// log q(z) `[S]` and log q(z_d) `[S, D]`, where all terms are means over samples.
  var logDensities: (joint: [Double], marginals: [Double])?

  init(
    _ integrated: IntegratedPosterior, fixed: RateDecomposition.FixedSamples?, samples: Int, stream: RandomStream
  ) throws {
    let aggregate = integrated.aggregate, statistics = integrated.statistics
    if let fixed {
      self.init(
        meansOver: fixed.codes, indices: fixed.indices, aggregate, statistics: statistics, method: .fixedSamples)
      return
    }
    let (codes, indices) = aggregate.samples(samples, from: stream)
    let densities = integrated.marginals.compactMap { $0 }
    if densities.count == aggregate.posterior.latents {
      self.init(codes: codes, indices: indices, aggregate, statistics: statistics, densities: densities)
    } else {
      self.init(meansOver: codes, indices: indices, aggregate, statistics: statistics, method: .monteCarlo)
    }
  }

  /// Marginals integrated, the joint entropy over samples with control variates.
  ///
  /// H(z) = E H(z|x) + I(x; z), and I is the mean of m = log q(z|x) − log q(z). Controls are Σ_d m_d with m_d = log q(z_d|x)
  /// − log q(z_d), whose mean follows from the integrated marginals, and log q(z|x) + H(z|x) = −½Σ_d(ε_d² − 1) with mean 0.
  /// None of these can have heavy tails, whatever the posterior: m ≤ log N, and E e^(−m) = 1 makes P(m < −a) ≤ e^(−a).
  /// Densities by themselves would not do as controls: a single outlying data point that no sample happens to
  /// meet moves their means by any amount.
  private init(
    codes: [Float], indices: [Int], _ aggregate: AggregatePosterior, statistics: PosteriorStatistics,
    densities: [MarginalDensity]
  ) {
    let d = densities.count, count = indices.count
    let conditional = aggregate.logConditionals(of: codes, indices: indices)
    let own = aggregate.conditionalEntropies(of: indices)
    let product = (0..<count).map { s in
      (0..<d).reduce(0.0) { $0 + densities[$1].logDensity(at: Double(codes[s * d + $1])) }
    }
    let entropies = densities.map(\.entropy)
    let conditionalEntropy = statistics.conditionalEntropies.reduce(0, +), marginalSum = entropies.reduce(0, +)
    let log = aggregate.logDensities(of: codes, marginals: false).joint
    mutualInformation = Estimate(
      meanOf: zip(conditional, log).map { $0 - $1 },
      controls: [zip(conditional, product).map { $0 - $1 }, zip(conditional, own).map { $0 + $1 }],
      means: [marginalSum - conditionalEntropy, 0])
    joint = Estimate(
      value: mutualInformation.value + conditionalEntropy, standardError: mutualInformation.standardError)
    method = .exact
    sampleCount = count
    marginals = entropies
    totalCorrelation = Estimate(value: marginalSum - joint.value, standardError: joint.standardError)
    let perDimension = zip(statistics.crossEntropies, entropies).map { $0 - $1 }
    dimensionWiseKL = RateDecomposition.DimensionWiseKL(
      value: perDimension.reduce(0, +), standardError: 0, perDimension: perDimension)
    sampledRate = Estimate(meanOf: zip(conditional, Self.logPriors(codes, d)).map { $0 - $1 })
  }

  /// Everything as plain means over samples.
  private init(
    meansOver codes: [Float], indices: [Int]?, _ aggregate: AggregatePosterior, statistics: PosteriorStatistics,
    method: RateDecomposition.Method
  ) {
    let d = aggregate.posterior.latents, count = codes.count / d
    let log = aggregate.logDensities(of: codes, marginals: true)
    let prior = Self.logPriors(codes, d)
    let products = (0..<count).map { s in log.marginals[s * d..<(s + 1) * d].reduce(0, +) }
    let conditional =
      indices.map { aggregate.logConditionals(of: codes, indices: $0) }
      ?? [Double](repeating: -statistics.conditionalEntropies.reduce(0, +), count: count)
    self.method = method
    sampleCount = count
    logDensities = log
    joint = Estimate(meanOf: log.joint.map { -$0 })
    marginals = (0..<d).map { k in (0..<count).reduce(0.0) { $0 - log.marginals[$1 * d + k] } / Double(count) }
    mutualInformation = Estimate(meanOf: zip(conditional, log.joint).map { $0 - $1 })
    totalCorrelation = Estimate(meanOf: zip(log.joint, products).map { $0 - $1 })
    let whole = Estimate(meanOf: zip(products, prior).map { $0 - $1 })
    let crossEntropies = (0..<d).map { k in
      (0..<count).reduce(0.0) { $0 - gaussianLogDensity(Double(codes[$1 * d + k]), mean: 0, logVariance: 0) }
        / Double(count)
    }
    dimensionWiseKL = RateDecomposition.DimensionWiseKL(
      value: whole.value, standardError: whole.standardError,
      perDimension: zip(crossEntropies, marginals).map { $0 - $1 })
    sampledRate = Estimate(meanOf: zip(conditional, prior).map { $0 - $1 })
  }

  /// log p(z) = Σ_d log N(z_d; 0, 1), `[S]`.
  private static func logPriors(_ codes: [Float], _ d: Int) -> [Double] {
    (0..<codes.count / d).map { s in
      codes[s * d..<(s + 1) * d].reduce(0.0) { $0 + gaussianLogDensity(Double($1), mean: 0, logVariance: 0) }
    }
  }
}
