import Diagnostics
import Foundation
import TensorCore

extension LikelihoodBounds {
  /// Measures images.
  ///
  /// - Parameters:
  ///   - images: images of a data set.
  ///   - simulated: images drawn from the model, with their codes; needed for both bounds.
  ///   - pixels: values of an image, if their likelihood is a probability.
  ///   - options: how to measure.
  ///   - progress: called now and then with the share of the work that is done.
  /// - Throws: `StructuredError` if a log-likelihood is not finite where annealing begins; and what the closures throw.
  public init(
    of images: Subject, simulated: Subject? = nil, pixels: Int? = nil, options: Options = Options(),
    progress: @escaping (Double) -> Void = { _ in }
  ) throws {
    precondition(options.chains >= 2 && options.distributions >= 1 && options.leapfrogSteps >= 1, "options")
    precondition(simulated == nil || simulated?.exactCodes != nil, "images drawn from the model come with their codes")
    let sizes = Self.sizes(options.distributions), simulated = options.isBidirectional ? simulated : nil
    let work = LikelihoodWork(
      options, sizes, images: images.indices.count, simulated: simulated?.indices.count ?? 0, progress)
    let stream = RandomStream(seed: options.seed).split("likelihood bounds")
    let measured = try MeasuredImages(images, options, sizes, stream, work)
    let evaluations = measured.evaluations
    let curve = sizes.indices.map { s in
      Point(distributions: sizes[s], evaluations: evaluations[s], annealed: .init(measured.weights[s]))
    }
    var bracket: Bracket?
    if let simulated {
      let both = try MeasuredImages(
        simulated, areSimulated: true, options, sizes, stream.split("simulated"), work)
      bracket = Bracket(
        images: simulated.indices.count,
        curve: sizes.indices.map { s in
          // Chains back from one code are not independent of each other, so nothing tells their sampling error.
          let (lower, upper) = (both.weights[s], both.inverseWeights[s])
          return Bracket.Point(
            distributions: sizes[s], evaluations: 2 * evaluations[s], lower: .init(lower),
            upper: .init(upper.map { -$0.logMean }, samplingError: nil),
            gap: .init(zip(lower, upper).map { -$1.logMean - $0.logMean }, samplingError: nil))
        })
    }
    self.init(images.indices, options, measured, curve: curve, bracket: bracket, pixels: pixels)
    if measured.failures > 0 {
      warnings.append(
        "For \(measured.failures) of \(images.indices.count) images the search for the best Gaussian ended at a worse one "
          + "than the encoder's, which stands in for it: their amortisation gap counts as 0.")
    }
  }

  /// Sums up what was measured.
  private init(
    _ indices: [Int], _ options: Options, _ measured: MeasuredImages, curve: [Point], bracket: Bracket?, pixels: Int?
  ) {
    units = "nats"
    (seed, start, chains) = (options.seed, options.start, options.chains)
    (distributions, leapfrogSteps) = (options.distributions, options.leapfrogSteps)
    let sizes = measured.weights.count
    images = indices.indices.map { i in
      let value = measured.weights[sizes - 1][i].value, error = value.logLikelihood.standardError
      return Image(
        index: indices[i], annealed: value, acceptance: measured.acceptance[i], elbo: measured.gaps[i].elbo,
        bestELBO: measured.gaps[i].best,
        approximationGap: Estimate(
          value: value.logLikelihood.value - measured.gaps[i].best.value,
          standardError: error.flatMap { error in measured.gaps[i].best.standardError.map { hypot(error, $0) } }),
        amortisationGap: measured.gaps[i].difference)
    }
    func mean(_ estimates: [Estimate]) -> MarginalLikelihood.Mean {
      .init(
        estimates.map(\.value), samplingError: MarginalLikelihood.Mean.independent(estimates.map(\.standardError)))
    }
    annealed = mean(images.map(\.annealed.logLikelihood))
    elbo = mean(images.map(\.elbo))
    bestELBO = mean(images.map(\.bestELBO))
    approximationGap = mean(images.map(\.approximationGap))
    amortisationGap = mean(images.map(\.amortisationGap))
    let nats = annealed.value
    bitsPerPixel = pixels.map { -nats / (Double($0) * log(2)) }
    self.curve = curve
    self.bracket = bracket
    (findings, warnings) = ([], [])
    (findings, warnings) = (statements, cautions)
  }

  /// The numbers of distributions of the curve: 1, and fourfold steps up to all.
  static func sizes(_ distributions: Int) -> [Int] {
    var sizes = [distributions]
    while let least = sizes.first, least / 4 > 2 { sizes.insert(least / 4, at: 0) }
    return distributions == 1 ? [1] : [1] + sizes
  }
}

extension MarginalLikelihood.Mean {
  /// The mean over images of the logarithm of a mean weight.
  fileprivate init(_ weights: [LogWeights]) {
    self.init(weights.map(\.logMean), samplingError: LogWeights.errorOfMean(weights, sharingCodes: false))
  }
}

/// What chains and Gaussians gave for some images.
private struct MeasuredImages {
  /// The weights of each image's chains, and of chains back from exact codes the inverse ones, `[sizes][images]`.
  var weights, inverseWeights: [[LogWeights]]
  /// The mean acceptance of each image with the most distributions.
  var acceptance: [Double] = []
  /// The decoder's evaluations for one chain, `[sizes]`.
  var evaluations: [Int] = []
  /// ELBO[q], ELBO[q*] and their difference with the same noise.
  var gaps: [(elbo: Estimate, best: Estimate, difference: Estimate)] = []
  /// For how many images the search for q* failed.
  var failures = 0

  /// A difference of two ELBOs in nats that does not matter.
  private static let noise = 0.1

  /// Measures images, a block at a time; those that were drawn from the model in both directions, the others with their
  /// ELBOs.
  init(
    _ subject: LikelihoodBounds.Subject, areSimulated: Bool = false, _ options: LikelihoodBounds.Options,
    _ sizes: [Int], _ stream: RandomStream, _ work: LikelihoodWork
  ) throws {
    weights = sizes.map { _ in [] }
    inverseWeights = weights
    try subject.forEachBlock { block, likelihood in
      let likelihood = work.counting(likelihood)
      let best = try BestGaussian(
        from: block.posterior, indices: block.indices, stream: stream, likelihood
      ).posterior
      let start: PosteriorTable? =
        switch options.start {
        case .bestGaussian: best
        case .posterior: block.posterior
        case .prior: nil
        }
      let path = AnnealingPath(from: start, widths: best)
      var last: AnnealedImportanceSampling.Result?
      evaluations = []
      for (s, size) in sizes.enumerated() {
        var choice = AnnealedImportanceSampling.Options(
          chains: options.chains, distributions: size, leapfrogSteps: options.leapfrogSteps)
        choice.acceptance = options.acceptance
        let sampler = AnnealedImportanceSampling(
          block.indices, along: path, options: choice, stream: stream.split("distributions", size), likelihood)
        let tuning = try sampler.tuned(), result = try sampler.run(tuning)
        weights[s] += result.logWeights.map { LogWeights($0[...]) }
        evaluations.append(sampler.evaluations)
        last = result
        if areSimulated, let codes = block.exactCodes {
          inverseWeights[s] += try sampler.reverse(from: codes, tuning).logWeights.map {
            LogWeights($0.map { -$0 }[...])
          }
        }
      }
      acceptance += last?.acceptance ?? []
      if !areSimulated { try measureGaps(block, best, options, stream, likelihood) }
    }
  }

  /// The ELBOs of q and q* with the same noise; where q* turns out worse, q stands in.
  private mutating func measureGaps(
    _ block: LikelihoodBounds.Subject, _ best: PosteriorTable, _ options: LikelihoodBounds.Options,
    _ stream: RandomStream, _ likelihood: CodeLikelihood
  ) throws {
    let rows = block.indices.indices, size = options.codes, d = best.latents
    func logWeights(_ table: PosteriorTable, _ purpose: String) throws -> [[Double]] {
      let codes = rows.flatMap { row in
        var noise = stream.split(purpose, block.indices[row])
        return table.codes(at: row, count: size, noise: &noise)
      }
      let values = try likelihood(codes.map(Double.init), rows.flatMap { [Int](repeating: $0, count: size) }).values
      guard values.allSatisfy(\.isFinite) else {
        throw StructuredError(
          "the decoder's log-likelihoods are not finite", expected: "log p(x|z) of each code",
          action: "Check that training did not diverge.")
      }
      return rows.map { row in
        table.logWeights(
          at: row, codes: Array(codes[row * size * d..<(row + 1) * size * d]),
          logLikelihoods: Array(values[row * size..<(row + 1) * size]))
      }
    }
    // Codes that choose between q and q* are others than those that measure, so that the choice favours neither.
    let own = block.posterior
    let rises = try zip(logWeights(own, "choice"), logWeights(best, "choice")).map { own, best in
      (best.reduce(0, +) - own.reduce(0, +)) / Double(size)
    }
    failures += rises.count { $0 < -Self.noise }
    let (first, second) = try (logWeights(own, "elbo"), logWeights(best, "elbo"))
    for row in rows {
      let chosen = rises[row] > 0 ? second[row] : first[row]
      gaps.append(
        (
          Estimate(meanOf: first[row]), Estimate(meanOf: chosen),
          Estimate(meanOf: zip(chosen, first[row]).map { $0 - $1 })
        ))
    }
  }
}

/// Counts the decoder's evaluations against how many there will be.
private final class LikelihoodWork {
  private let total: Double
  private var done = 0.0
  private let progress: (Double) -> Void

  init(
    _ options: LikelihoodBounds.Options, _ sizes: [Int], images: Int, simulated: Int,
    _ progress: @escaping (Double) -> Void
  ) {
    self.progress = progress
    let tuning = Double(AnnealedImportanceSampling.Options.tuningChains), chains = Double(options.chains)
    let steps = sizes.reduce(0.0) { $0 + Double(1 + max(0, $1 - 1) * options.leapfrogSteps) }
    let search = Double(BestGaussian.Options().evaluations)
    total =
      Double(images) * (steps * (tuning + chains) + search + Double(4 * options.codes))
      + Double(simulated) * (steps * (tuning + 2 * chains) + search)
  }

  func counting(_ likelihood: CodeLikelihood) -> CodeLikelihood {
    CodeLikelihood(latents: likelihood.latents, images: likelihood.images) { [self] codes, images in
      let result = try likelihood(codes, images)
      done += Double(images.count)
      progress(min(1, done / total))
      return result
    }
  }
}
