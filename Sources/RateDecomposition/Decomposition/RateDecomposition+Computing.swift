import Diagnostics
import Foundation
import TensorCore

extension RateDecomposition {
  /// What a decomposition with so many samples takes of memory at least: the samples, and their log densities jointly and in
  /// each dimension.
  ///
  /// - Parameters:
  ///   - samples: S.
  ///   - latents: D.
  ///   - location: the key or option that S comes from.
  public static func memory(samples: Int, latents: Int, at location: String?) -> MemoryRequirement {
    MemoryRequirement(
      "\(samples) samples of \(latents) latents with their densities",
      bytes: saturatingProduct(
        samples, latents, MemoryLayout<Float>.stride + MemoryLayout<Double>.stride), at: location,
      action: "Choose fewer samples.")
  }

  /// Decomposes the rate of a posterior over its whole data set; see
  /// ``init(of:images:fixed:options:)``.
  public init(
    of posterior: PosteriorTable, images: ImageTerms? = nil, fixed: FixedSamples? = nil, options: Options = Options(),
    on device: Device
  ) throws {
    try self.init(
      of: IntegratedPosterior(posterior, integratingMarginals: fixed == nil, on: device), images: images, fixed: fixed,
      options: options)
  }

  /// Decomposes the rate of a posterior over its whole data set.
  ///
  /// Without `fixed` samples, I is the mean of log q(z|x) − log q(z) over samples drawn from q(z), with control variates
  /// whose means are known exactly (the same quantity of the single dimensions, and the noise of the samples); the
  /// marginal entropies are integrated. Then H(z) = I + E H(z|x), TC = Σ_d H(z_d) − H(z), and the dimension-wise KL is
  /// Σ_d(E[−log p(z_d)] − H(z_d)), free of sampling. H(z) and TC inherit the standard error of I.
  ///
  /// Deterministic codes (``PosteriorTable/codebookSize``) are counted instead: I = H(z), and nothing is sampled.
  ///
  /// With `fixed` samples all three terms are plain means over them. Without their indices, log q(z|x) cannot be
  /// evaluated at the samples, and I = mean[−log q(z)] − E H(z|x) with the conditional entropy in closed form.
  ///
  /// - Parameters:
  ///   - integrated: the posteriors of all N data points, whose device works.
  ///   - images: the distortion and the entropy of the data, where there are images.
  ///   - fixed: the caller's samples.
  ///   - options: samples, seed, and batch of the minibatch estimates.
  /// - Throws: `StructuredError` for fewer than one sample or batch element, or fewer than no batches.
  public init(
    of integrated: IntegratedPosterior, images: ImageTerms? = nil, fixed: FixedSamples? = nil,
    options: Options = Options()
  ) throws {
    for (name, value, least) in [
      ("samples", options.samples, 1), ("batch_size", options.batchSize, 1), ("batches", options.batches, 0),
    ] where value < least {
      throw StructuredError("\(name) is \(value)", expected: "at least \(least)")
    }
    if fixed == nil { try Self.memory(samples: options.samples, latents: integrated.latents, at: "samples").check() }
    let posterior = integrated.posterior, statistics = integrated.statistics
    let stream = RandomStream(seed: options.seed).split("decomposition")
    let counts = fixed == nil ? CodeCounts(posterior) : nil
    let entropies =
      try counts.map(Entropies.init(counting:))
      ?? Entropies(integrated, fixed: fixed, samples: options.samples, stream: stream.split("samples"))

    units = "nats"
    dataPoints = posterior.count
    latents = posterior.latents
    samples = entropies.sampleCount
    seed = options.seed
    estimator = entropies.method
    let klOfLatents =
      counts.map { [Double](repeating: $0.capacity, count: $0.marginals.count) } ?? statistics.klPerDimension
    rate = klOfLatents.reduce(0, +)
    mutualInformation = entropies.mutualInformation
    totalCorrelation = entropies.totalCorrelation
    dimensionWiseKL = entropies.dimensionWiseKL
    klPerDimension = klOfLatents
    jointEntropy = entropies.joint
    marginalEntropies = entropies.marginals
    conditionalEntropy = counts == nil ? statistics.conditionalEntropies.reduce(0, +) : 0
    activeUnits = counts?.marginals.count { $0 >= CodeCounts.activeEntropy } ?? statistics.activeUnits
    meanVariances = statistics.meanVariances
    distortion = images?.distortion
    distortionStandardError = images?.distortionStandardError
    distortionReason = images == nil ? "there are no images" : nil
    dataEntropy = images?.dataEntropy
    dataEntropyReason =
      images == nil ? "there are no images" : dataEntropy == nil ? "identical images were not counted" : nil
    informationBounds = InformationBounds(
      mutualInformation: entropies.mutualInformation, rate: rate, images: images, dataCount: posterior.count)
    let sum = mutualInformation.value + totalCorrelation.value + dimensionWiseKL.value
    identityResidual = sum - ([.exact, .counting].contains(entropies.method) ? rate : entropies.sampledRate.value)
    let residual = entropies.sampledRate.value - rate
    monteCarloResidual = MonteCarloResidual(
      value: residual, standardError: entropies.sampledRate.standardError,
      withinFourStandardErrors: entropies.sampledRate.standardError.map {
        // Where the samples cannot vary, rounding of the codes to single precision is what remains.
        abs(residual) <= 4 * $0 + 1e-6 * max(1, integrated.statistics.rate)
      })
    let exact = MinibatchEstimate.Terms(
      mutualInformation: mutualInformation.value, totalCorrelation: totalCorrelation.value,
      dimensionWiseKL: dimensionWiseKL.value)
    let batch = min(options.batchSize, posterior.count)
    // They estimate densities, which deterministic codes have not.
    minibatchEstimates = MinibatchEstimator.allCases.filter {
      counts == nil && $0.minimumBatchSize <= batch && options.batches > 0
    }.map {
      MinibatchEstimate(
        $0, of: posterior, exact: exact, batchSize: batch, batches: options.batches, from: stream.split("minibatch"))
    }
    if let log = entropies.logDensities, fixed != nil {
      logDensities = log.joint
      let d = posterior.latents
      logDensitiesPerDimension = log.joint.indices.map { Array(log.marginals[$0 * d..<($0 + 1) * d]) }
    }
    warnings = []
    warnings = findings(indicesKnown: fixed.map { $0.indices != nil } ?? true)
  }
}
