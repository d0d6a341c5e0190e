import Diagnostics
import Foundation
import TensorCore

/// The rate–distortion curve of one decoder, in nats: what the best of all encoders would pay for each distortion (Huang et
/// al. 2020, arXiv:2008.06653, §4).
///
///     q_β(z|x) = p(z)·exp(−β·d(x, z)) / Z_β(x),  d(x, z) = −log p(x|z)
///     D(β) = E_x E_{q_β}[d],   R(β) = E_x KL(q_β ‖ p(z)) = E_x[−log Z_β(x)] − β·D(β)
///
/// One run of annealed importance sampling from the prior passes all β. log Ẑ_β is too low on average, so the rate is an
/// upper bound. At β = 1, R + D = −log p(x).
public struct DecoderCurve: Sendable, Equatable, Codable {
  /// How to measure.
  public struct Options: Sendable, Equatable {
    /// How many images, where the caller does not choose them.
    public var images = 64
    /// Chains for each image, at least 2.
    public var chains = 8
    /// Steps in β, at least 2.
    public var distributions = 400
    /// Leapfrog steps in a transition.
    public var leapfrogSteps = 2
    /// The largest β, at least 1.
    public var last = 4.0
    /// Codes for the distortion of a Gaussian, for each image.
    public var codes = 256
    /// About how many points to keep.
    public var points = 24
    /// The seed of all random numbers.
    public var seed: UInt64 = 0

    /// The defaults.
    public init() {}
  }

  /// One point of the curve.
  public struct Point: Sendable, Equatable, Codable {
    /// β, the price of a nat of distortion in nats of rate.
    public var beta: Double
    /// An upper bound of R(β).
    public var rate: MarginalLikelihood.Mean
    /// D(β).
    public var distortion: MarginalLikelihood.Mean
  }

  /// Where Gaussians over codes lie in the plane, on the same images.
  public struct Position: Sendable, Equatable, Codable {
    /// E_x KL(q ‖ p(z)).
    public var rate: MarginalLikelihood.Mean
    /// E_x E_q[−log p(x|z)].
    public var distortion: MarginalLikelihood.Mean
  }

  /// Always "nats".
  public var units: String
  /// How many images.
  public var images: Int
  /// Chains for each.
  public var chains: Int
  /// Steps in β.
  public var distributions: Int
  /// The seed.
  public var seed: UInt64
  /// By rising β.
  public var points: [Point]
  /// The encoder's q(z|x).
  public var encoder: Position
  /// The best diagonal Gaussian of each image.
  public var bestGaussian: Position

  private enum CodingKeys: String, CodingKey {
    case units, images, chains, distributions, seed, points, encoder
    case bestGaussian = "best_gaussian"
  }

  /// Measures images.
  ///
  /// - Parameters:
  ///   - images: images with q(z|x), from which the widths are sought that scale the chains' steps; the chains start at p(z).
  ///   - options: how to measure.
  ///   - betas: values of β that are points of the curve, besides those of the schedule.
  ///   - progress: called now and then with the share of the work that is done.
  /// - Throws: `StructuredError` if a log-likelihood is not finite at a code of the prior.
  public init(
    of images: LikelihoodBounds.Subject, options: Options = Options(), betas: [Double] = [],
    progress: @escaping (Double) -> Void = { _ in }
  ) throws {
    precondition(options.chains >= 2 && options.distributions >= 2 && options.last >= 1, "options")
    let kept = ([1] + betas).filter { $0 > 0 && $0 <= options.last }
    let schedule = Self.schedule(options, through: kept)
    let stride = max(1, (schedule.count - 1) / options.points)
    let visited = Set(
      (1..<schedule.count).filter { $0 % stride == 0 || $0 == schedule.count - 1 || kept.contains(schedule[$0]) })
    var rates = [Int: [Estimate]](), distortions = rates
    var places = [[(rate: Double, distortion: Estimate)]](repeating: [], count: 2)
    let tuning = AnnealedImportanceSampling.Options.tuningChains
    let steps = (options.chains + tuning) * options.leapfrogSteps * (schedule.count - 1)
    let work = LikelihoodWork(
      evaluations: Double(images.indices.count * (steps + BestGaussian.Options().evaluations + 2 * options.codes)),
      progress)
    let stream = RandomStream(seed: options.seed).split("decoder curve")
    try images.forEachBlock { block, likelihood in
      let likelihood = work.counting(likelihood)
      let best = try BestGaussian(
        from: block.posterior, indices: block.indices, stream: stream, likelihood
      ).posterior
      for (k, table) in [block.posterior, best].enumerated() {
        let samples = try block.sampled(from: table, count: options.codes, stream, "codes", likelihood)
        places[k] += samples.enumerated().map { row, sample in
          (table.rate(at: row), Estimate(meanOf: sample.values.map { -$0 }))
        }
      }
      let sampler = AnnealedImportanceSampling(
        block.indices, along: AnnealingPath(from: nil, widths: best),
        options: .init(
          chains: options.chains, distributions: schedule.count - 1, leapfrogSteps: options.leapfrogSteps),
        stream: stream, likelihood)
      _ = try sampler.run(sampler.tuned(schedule), movingAtTheEnd: true) { visit in
        let t = visit.t
        guard visited.contains(t) else { return }
        for i in block.indices.indices {
          let range = i * options.chains..<(i + 1) * options.chains
          let point = Self.point(
            logWeights: Array(visit.logWeights[range]), distortions: visit.chains.values[range].map { -$0 },
            beta: schedule[t])
          rates[t, default: []].append(point.rate)
          distortions[t, default: []].append(point.distortion)
        }
      }
    }
    units = "nats"
    (self.images, chains, distributions, seed) = (
      images.posterior.count, options.chains, schedule.count - 1, options.seed
    )
    func position(_ images: [(rate: Double, distortion: Estimate)]) -> Position {
      Position(rate: .init(images.map(\.rate), samplingError: 0), distortion: .init(images.map(\.distortion)))
    }
    (encoder, bestGaussian) = (position(places[0]), position(places[1]))
    points = visited.sorted().map {
      Point(beta: schedule[$0], rate: .init(rates[$0] ?? []), distortion: .init(distortions[$0] ?? []))
    }
  }

  /// 0, then values that rise by a constant factor from a ten-thousandth of the last: log Z_β changes fastest near 0.
  private static func schedule(_ options: Options, through kept: [Double]) -> [Double] {
    let least = options.last * 1e-4, count = options.distributions
    let values = (0..<count).map { least * pow(options.last / least, Double($0) / Double(count - 1)) }
    return [0] + Set(values.dropLast() + kept + [options.last]).sorted()
  }

  /// The least rate known for a distortion, by the straight line between neighbouring points; nil beyond the curve.
  public func rate(at distortion: Double) -> Double? {
    for (a, b) in zip(points, points.dropFirst())
    where a.distortion.value >= distortion && distortion >= b.distortion.value {
      let span = a.distortion.value - b.distortion.value
      let part = span > 0 ? (a.distortion.value - distortion) / span : 0
      return a.rate.value + part * (b.rate.value - a.rate.value)
    }
    return nil
  }

  /// What the curve says of the encoder, in sentences.
  public var findings: [String] {
    guard let least = rate(at: encoder.distortion.value) else { return [] }
    return [
      "On \(Format.grouped(images)) images the encoder has a rate of \(Format.decimals(encoder.rate.value, 1)) nats and a "
        + "distortion of \(Format.decimals(encoder.distortion.value, 1)); for that distortion this decoder needs a rate of "
        + "\(Format.decimals(least, 1)) at most."
    ]
  }

  /// One image's point from weighted chains.
  static func point(
    logWeights: [Double], distortions: [Double], beta: Double
  ) -> (rate: Estimate, distortion: Estimate) {
    let weights = LogWeights(logWeights[...]), count = Double(logWeights.count)
    let distortion = zip(weights.relative, distortions).reduce(0) { $0 + $1.0 * $1.1 } / count
    // What one chain adds to the weighted mean, and to −log mean w − β·D.
    let part = zip(weights.relative, distortions).map { $0 * ($1 - distortion) }
    return (
      Estimate(
        value: -weights.logMean - beta * distortion,
        standardError: Estimate(meanOf: zip(weights.relative, part).map { -$0 - beta * $1 }).standardError),
      Estimate(value: distortion, standardError: Estimate(meanOf: part).standardError)
    )
  }

  /// The points; the paths of the cells begin at this object of JSON.
  public var table: TextTable {
    TextTable(
      header: ["β", "R", "±", "D", "±"],
      rows: points.enumerated().map { i, point in
        let path = "points.\(i)"
        return [
          .init(Format.significant(point.beta), value: point.beta, path: path + ".beta"),
          point.rate.cell(at: path + ".rate"), point.rate.samplingErrorCell(at: path + ".rate"),
          point.distortion.cell(at: path + ".distortion"),
          point.distortion.samplingErrorCell(at: path + ".distortion"),
        ]
      }, numeric: Set(0..<5),
      note: "The rate–distortion curve of the decoder, in nats: \(images) images, \(chains) chains each, "
        + "\(Format.grouped(distributions)) distributions, seed \(seed). R is an upper bound; ± are standard errors over "
        + "chains.")
  }
}
