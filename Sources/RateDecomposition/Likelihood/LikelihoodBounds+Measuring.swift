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
      evaluations: Self.evaluations(
        options, sizes, images: images.indices.count, simulated: simulated?.indices.count ?? 0), progress)
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
    annealed = .init(images.map(\.annealed.logLikelihood))
    elbo = .init(images.map(\.elbo))
    bestELBO = .init(images.map(\.bestELBO))
    approximationGap = .init(images.map(\.approximationGap))
    amortisationGap = .init(images.map(\.amortisationGap))
    let nats = annealed.value
    bitsPerPixel = pixels.map { -nats / (Double($0) * log(2)) }
    self.curve = curve
    self.bracket = bracket
    (findings, warnings) = ([], [])
    (findings, warnings) = (statements, cautions)
  }

  /// The decoder's evaluations for everything.
  private static func evaluations(_ options: Options, _ sizes: [Int], images: Int, simulated: Int) -> Double {
    let tuning = Double(AnnealedImportanceSampling.Options.tuningChains), chains = Double(options.chains)
    let steps = sizes.reduce(0.0) { $0 + Double(1 + max(0, $1 - 1) * options.leapfrogSteps) }
    let search = Double(BestGaussian.Options().evaluations)
    return Double(images) * (steps * (tuning + chains) + search + Double(4 * options.codes))
      + Double(simulated) * (steps * (tuning + 2 * chains) + search)
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
    let rows = block.indices.indices, size = options.codes
    func logWeights(_ table: PosteriorTable, _ purpose: String) throws -> [[Double]] {
      try block.sampled(from: table, count: size, stream, purpose, likelihood).enumerated().map { row, sample in
        table.logWeights(at: row, codes: sample.codes, logLikelihoods: sample.values)
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

extension LikelihoodBounds.Subject {
  /// Codes from Gaussians `[images, D]`, `count` for each image, with log p(x|z).
  ///
  /// - Throws: `StructuredError` if a log-likelihood is not finite.
  func sampled(
    from table: PosteriorTable, count: Int, _ stream: RandomStream, _ purpose: String, _ likelihood: CodeLikelihood
  ) throws -> [(codes: [Float], values: [Double])] {
    let codes = indices.enumerated().map { row, index in
      var noise = stream.split(purpose, index)
      return table.codes(at: row, count: count, noise: &noise)
    }
    let rows = indices.indices.flatMap { [Int](repeating: $0, count: count) }
    let values = try likelihood(codes.flatMap { $0.map(Double.init) }, rows).values
    guard values.allSatisfy(\.isFinite) else {
      throw StructuredError(
        "the decoder's log-likelihoods are not finite", expected: "log p(x|z) of each code",
        action: "Check that training did not diverge.")
    }
    return codes.enumerated().map { row, codes in (codes, Array(values[row * count..<(row + 1) * count])) }
  }
}

/// Counts the decoder's evaluations against how many there will be.
final class LikelihoodWork {
  private let total: Double
  private var done = 0.0
  private let progress: (Double) -> Void

  init(evaluations: Double, _ progress: @escaping (Double) -> Void) {
    (total, self.progress) = (evaluations, progress)
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
