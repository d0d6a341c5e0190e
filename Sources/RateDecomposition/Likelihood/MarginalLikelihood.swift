import Diagnostics
import Foundation
import TensorCore

/// The log marginal likelihood log p(x) of some images under a trained model, by sampling, in nats:
///
///     importance sampling   p̂(x) = 1/K Σ_k p(x|z_k)·p(z_k)/q(z_k|x),  z_k ~ q(z|x)
///     naive Monte Carlo     p̂(x) = 1/K Σ_k p(x|z_k),                  z_k ~ p(z)
///
/// (Burda et al. 2016, arXiv:1509.00519, Eq. 8). Both p̂ are unbiased and so log p̂ is too low on average, by less the
/// larger K; with K = 1 the first is the ELBO. log p̂(x) − ELBO, the inference gap, estimates KL(q(z|x) ‖ p(z|x)).
public struct MarginalLikelihood: Sendable, Equatable, Codable {
  /// What to measure with.
  public struct Options: Sendable {
    /// K, the number of codes for each image, at least 2.
    public var samples = 5_000
    /// How many images, where the caller does not choose them.
    public var images = 64
    /// The seed of the codes.
    public var seed: UInt64 = 0

    /// The defaults.
    public init() {}
  }

  /// An estimate of log p(x) for one image.
  public struct Value: Sendable, Equatable, Codable {
    /// log p̂(x) with K codes. The standard error is that of the mean weight divided by the mean weight (the delta
    /// method); nil where the effective sample size is below 10: a few codes make up the mean then, and how much is
    /// missing is not known.
    public var logLikelihood: Estimate
    /// (Σ w)² / Σ w² of the K weights, between 1 and K (Kong 1992).
    public var effectiveSampleSize: Double

    private enum CodingKeys: String, CodingKey {
      case logLikelihood = "log_likelihood"
      case effectiveSampleSize = "effective_sample_size"
    }
  }

  /// One image.
  public struct Image: Sendable, Equatable, Codable {
    /// Its number in the data set.
    public var index: Int
    /// The ELBO: the mean of log w over the codes from q.
    public var elbo: Estimate
    /// By importance sampling from q.
    public var importance: Value
    /// By naive Monte Carlo from the prior.
    public var prior: Value
    /// log p̂(x) − ELBO by importance sampling; never negative.
    public var gap: Estimate
  }

  /// The mean over the images, with both kinds of uncertainty apart.
  public struct Mean: Sendable, Equatable, Codable {
    /// The mean over the images.
    public var value: Double
    /// Standard error for other images of the same data set, that of sampling codes included; nil for one image.
    public var standardError: Double?
    /// Standard error for other codes of these images; nil where it is not known.
    public var samplingError: Double?

    enum CodingKeys: String, CodingKey {
      case value
      case standardError = "standard_error"
      case samplingError = "sampling_error"
    }
  }

  /// One point of the curve over K.
  public struct Point: Sendable, Equatable, Codable {
    /// K.
    public var samples: Int
    /// How many disjoint groups of K codes each image has.
    public var groups: Int
    /// The mean of log p̂ with K codes from q over images and groups: the importance-weighted bound L_K of Burda et al.
    public var importance: Mean
    /// The same with codes from the prior.
    public var prior: Mean
  }

  /// Always "nats".
  public var units: String
  /// K.
  public var samples: Int
  /// The seed of the codes.
  public var seed: UInt64
  /// The images.
  public var images: [Image]
  /// Mean ELBO.
  public var elbo: Mean
  /// Mean log p̂(x) by importance sampling.
  public var importance: Mean
  /// Mean log p̂(x) by naive Monte Carlo.
  public var prior: Mean
  /// Mean inference gap.
  public var gap: Mean
  /// K = 1, 2, 5, 10, …, up to all.
  public var curve: [Point]
  /// What a reader should know before trusting the numbers, in sentences.
  public var warnings: [String]

  /// Measures some images.
  ///
  /// The codes from the prior are the same for all images, so that the decoder runs on them once; the sampling error of
  /// their mean takes that into account.
  ///
  /// - Parameters:
  ///   - posterior: q(z|x) of the images alone, `[images, D]`.
  ///   - indices: the images' numbers in the data set, in the same order.
  ///   - options: samples and seed.
  ///   - likelihood: log p(x|z) of one image, given by its row in `posterior`, at codes `[K, D]`: `[K]`.
  ///   - likelihoods: log p(x|z) of all images at codes `[K, D]`: `[K, images]`.
  ///   - progress: called with the number of images done.
  /// - Throws: `StructuredError` for fewer than two samples, a wrong number of indices, or a log-likelihood that is
  ///   not finite; and what the closures throw.
  public init(
    of posterior: PosteriorTable, indices: [Int], options: Options = Options(),
    likelihood: (_ row: Int, _ codes: [Float]) throws -> [Double],
    likelihoods: (_ codes: [Float]) throws -> [Double], progress: (Int) -> Void = { _ in }
  ) throws {
    guard options.samples >= 2 else {
      throw StructuredError("samples is \(options.samples)", expected: "at least 2")
    }
    guard indices.count == posterior.count else {
      throw StructuredError(
        "there are \(indices.count) indices for \(posterior.count) posteriors", expected: "one for each image")
    }
    let k = options.samples, d = posterior.latents, count = posterior.count
    try RateDecomposition.memory(samples: k, latents: d, at: "samples").check()
    let stream = RandomStream(seed: options.seed).split("marginal likelihood")
    func checked(_ values: [Double], _ expected: Int) throws -> [Double] {
      guard values.count == expected, values.allSatisfy(\.isFinite) else {
        throw StructuredError(
          "the decoder's log-likelihoods are not \(expected) finite numbers", expected: "log p(x|z) of each code",
          action: "Check that training did not diverge.")
      }
      return values
    }
    var noise = stream.split("prior")
    var codes = [Float](repeating: 0, count: k * d)
    codes.withUnsafeMutableBufferPointer { noise.fillNormal($0) }
    let all = try checked(try likelihoods(codes), k * count)
    let priorWeights = (0..<count).map { i in (0..<k).map { all[$0 * count + i] } }

    let importanceWeights = try (0..<count).map { i in
      var noise = stream.split("posterior", i)
      let codes = posterior.codes(at: i, count: k, noise: &noise)
      let weights = posterior.logWeights(at: i, codes: codes, logLikelihoods: try checked(try likelihood(i, codes), k))
      progress(i + 1)
      return weights
    }
    self.init(indices: indices, seed: options.seed, importance: importanceWeights, prior: priorWeights)
  }

  /// Sums up log weights `[images][K]`, of the importance samples log p(x, z)/q(z|x) and of the prior's log p(x|z).
  init(indices: [Int], seed: UInt64, importance weights: [[Double]], prior priorWeights: [[Double]]) {
    let own = weights.map { LogWeights($0[...]) }, other = priorWeights.map { LogWeights($0[...]) }
    units = "nats"
    samples = weights[0].count
    self.seed = seed
    images = indices.indices.map { i in
      Image(
        index: indices[i], elbo: Estimate(meanOf: weights[i]), importance: own[i].value, prior: other[i].value,
        gap: own[i].gap(weights[i]))
    }
    elbo = Mean(images.map(\.elbo.value), samplingError: Mean.independent(images.map(\.elbo.standardError)))
    importance = Mean(own.map(\.logMean), samplingError: LogWeights.errorOfMean(own, sharingCodes: false))
    prior = Mean(other.map(\.logMean), samplingError: LogWeights.errorOfMean(other, sharingCodes: true))
    gap = Mean(images.map(\.gap.value), samplingError: Mean.independent(images.map(\.gap.standardError)))
    curve = Self.sizes(upTo: samples).map { size in
      let groups = weights[0].count / size
      return Point(
        samples: size, groups: groups, importance: Mean(weights, groups: groups, of: size, sharingCodes: false),
        prior: Mean(priorWeights, groups: groups, of: size, sharingCodes: true))
    }
    warnings = []
    warnings = findings
  }

  /// 1, 2, 5, 10, 20, 50, … below K, and K.
  static func sizes(upTo largest: Int) -> [Int] {
    var sizes: [Int] = [], power = 1
    while power < largest {
      sizes += [power, 2 * power, 5 * power].filter { $0 < largest }
      power *= 10
    }
    return sizes + [largest]
  }

  private var findings: [String] {
    var notes: [String] = []
    let few = LogWeights.leastEffectiveSize
    let sizes = images.map(\.importance.effectiveSampleSize), low = sizes.count { $0 < few }
    if low > 0 {
      notes.append(
        String(
          format: "Importance sampling: the effective sample size is below 10 for %d of %d images (least %.1f). There "
            + "log p̂(x) is likely too low, and has no standard error.", low, images.count,
          sizes.min() ?? 0))
    }
    let priorLow = images.count { $0.prior.effectiveSampleSize < few }
    if priorLow > 0 {
      notes.append(
        "Naive Monte Carlo: hardly any code from the prior explains an image (effective sample size below 10 for "
          + "\(priorLow) of \(images.count) images). Its log p̂(x) is far too low and is shown for comparison only.")
    }
    return notes
  }

  private enum CodingKeys: String, CodingKey {
    case units, samples, seed, images, elbo, importance, prior, gap, curve, warnings
  }
}
