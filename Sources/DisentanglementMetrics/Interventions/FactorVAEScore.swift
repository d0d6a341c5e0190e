import Diagnostics
import StrictConfiguration
import TensorCore

/// The FactorVAE score: whether the latent that varies least while a factor is held fixed identifies that factor.
///
/// A vote is drawn by choosing a factor, a batch of 64 data points that share a value of it, and the latent d with the
/// smallest Var_batch(z_d)/Var(z_d), variances with divisor n − 1. Each latent stands for the factor that it was voted
/// for most often among 10,000 votes; the score is the accuracy of this on 5,000 more (Kim and Mnih 2018,
/// arXiv:1802.05983).
///
/// As in disentanglement_lib, of whose public configurations these are the sizes: Var(z_d) comes from 10,000 data points,
/// and latents with a standard deviation below 0.05 have no vote (the default of dlib's code is 0, which prunes
/// nothing, and a constant latent then wins every vote by 0/0; here a constant latent never votes). The vote is the first
/// of equal ones. Batches come from the input where it stores some (the first two thirds train, the rest evaluate), and
/// otherwise from rows that share a value (``FactorRows``); then a factor is one of those that vary. The data need not be a
/// full grid: the value is as frequent as among the data points, and the other factors as among those that have it. Values
/// of a single data point are not drawn, since nothing varies in such a batch.
///
/// Standard error: that of an accuracy over the evaluation votes, by Agresti and Coull (`Proportion`); the accuracy on the
/// votes that were learnt from has none. Parts: votes `[K, D]` for training and
/// evaluation, global variances `[D]`, which latents are active `[D]`.
public struct FactorVAEScore: DisentanglementMetric {
  /// The settings of ``FactorVAEScore``.
  public struct Configuration: MetricConfiguration {
    /// Votes that decide which factor a latent stands for.
    public var trainVotes: Int
    /// Votes that are evaluated.
    public var evaluationVotes: Int
    /// Data points of a batch.
    public var batchSize: Int
    /// Data points behind the global variances; 0 for all.
    public var variancePoints: Int
    /// The smallest standard deviation of a latent that votes.
    public var pruneThreshold: Double

    /// Reads `train_votes`, `evaluation_votes`, `batch_size`, `variance_points` and `prune_threshold`.
    public init(from section: inout ConfigurationSection, preset: MetricPreset) throws {
      let scale = preset == .exact ? 10 : 1
      trainVotes = try section.integer(
        "train_votes", default: preset == .fast ? 2_000 : 10_000 * scale, in: .within(1...100_000_000))
      evaluationVotes = try section.integer(
        "evaluation_votes", default: preset == .fast ? 1_000 : 5_000 * scale, in: .within(1...100_000_000))
      batchSize = try section.integer("batch_size", default: 64, in: .within(2...1_000_000))
      variancePoints = try section.integer(
        "variance_points", default: preset == .exact ? 0 : 10_000, in: .atLeast(0))
      pruneThreshold = try section.number("prune_threshold", default: 0.05, in: .atLeast(0))
    }

    /// Builds the metric.
    public func metric() -> any DisentanglementMetric { FactorVAEScore(configuration: self) }

    /// The votes, and the rows by the values of each factor.
    public func memory(for input: MetricInput, at section: String) -> [MemoryRequirement] {
      guard input.factorVAEBatches == nil else { return [] }
      let votes = saturatingSum(trainVotes, evaluationVotes)
      return [
        MemoryRequirement(
          "\(Format.grouped(votes)) votes", bytes: saturatingProduct(votes, MemoryLayout<Int>.stride),
          at: "\(section).train_votes", action: "Choose fewer votes."),
        MemoryRequirement(
          "batches of \(Format.grouped(batchSize)) rows",
          bytes: saturatingProduct(batchSize, input.device.threads, MemoryLayout<Int>.stride),
          at: "\(section).batch_size", action: "Choose smaller batches."), input.factorRows(at: section),
      ]
    }
  }

  /// The settings.
  public let configuration: Configuration

  /// Measures.
  ///
  /// - Throws: `StructuredError` if stored batches are not of these data.
  public func evaluate(_ input: MetricInput, stream: RandomStream) throws -> MetricResult {
    let codes = input.codes, names = ["score", "train_accuracy"]
    func undefined(_ reason: String) -> MetricResult {
      MetricResult(names.map { MetricScore($0, undefined: reason) })
    }
    let varying = codes.varyingFactors
    guard !varying.isEmpty else { return undefined(Undefined.noFactor) }
    let sample = codes.sample(configuration.variancePoints, stream: stream.split("variances"))
    let variances = (0..<codes.latents).map { Self.variance(sample, latent: $0) }
    let active = (0..<codes.latents).filter {
      variances[$0] > 0 && variances[$0].squareRoot() >= configuration.pruneThreshold
    }
    guard let batches = try batches(input, varying, stream) else { return undefined(Undefined.nothingShared) }
    let train = batches.train, evaluation = batches.evaluation
    var notes = [codes.noteOnSingleValues].compactMap { $0 } + batches.notes
    var parts = [
      MetricPart("global_variance", axes: ["latent"], shape: [codes.latents], values: variances),
      MetricPart(
        "active", axes: ["latent"], shape: [codes.latents],
        values: (0..<codes.latents).map { active.contains($0) ? 1 : 0 }),
    ]
    guard !active.isEmpty else {
      notes.append("No latent has a standard deviation of at least \(configuration.pruneThreshold): the score is 0.")
      return MetricResult(names.map { MetricScore($0, 0) }, parts: parts, notes: notes)
    }
    let votes = Self.votes(codes, active, variances, batches.all, device: input.device)
    func table(_ range: Range<Int>) -> [Double] {
      var counts = [Double](repeating: 0, count: codes.factorCount * codes.latents)
      for v in range { counts[batches.factor(v) * codes.latents + votes[v]] += 1 }
      return counts
    }
    let trained = table(train), evaluated = table(evaluation)
    // The factor of each latent: the first of those with most votes.
    let classifier = (0..<codes.latents).map { d in
      (0..<codes.factorCount).reduce(0) {
        trained[$1 * codes.latents + d] > trained[$0 * codes.latents + d] ? $1 : $0
      }
    }
    func accuracy(_ counts: [Double]) -> Double {
      (0..<codes.latents).reduce(0) { $0 + counts[classifier[$1] * codes.latents + $1] } / counts.reduce(0, +)
    }
    for (name, counts) in [("train_votes", trained), ("evaluation_votes", evaluated)] {
      parts.append(
        MetricPart(name, axes: ["factor", "latent"], shape: [codes.factorCount, codes.latents], values: counts))
    }
    let score = accuracy(evaluated)
    return MetricResult(
      [
        MetricScore(names[0], score, standardError: Proportion.standardError(score, of: evaluation.count)),
        MetricScore(names[1], accuracy(trained)),
      ], parts: parts, notes: notes)
  }

  /// Batches, stored or drawn as they are needed.
  private struct Batches {
    let all: (count: Int, factor: @Sendable (Int) -> Int, rows: @Sendable (Int) -> [Int])
    let train: Range<Int>
    let evaluation: Range<Int>
    let notes: [String]

    func factor(_ v: Int) -> Int { all.factor(v) }
  }

  /// The batches; nil where none are stored and no two rows share a value.
  private func batches(_ input: MetricInput, _ varying: [Int], _ stream: RandomStream) throws -> Batches? {
    if let stored = input.factorVAEBatches {
      try stored.check(against: input.codes, pairs: false)
      let train = stored.trainCount
      return Batches(
        all: (stored.factors.count, { stored.factors[$0] }, { stored.rows[$0] }), train: 0..<train,
        evaluation: train..<stored.factors.count,
        notes: ["The \(stored.factors.count) votes are from the batches stored with the codes."])
    }
    let rows = FactorRows(input.codes), size = configuration.batchSize, train = configuration.trainVotes
    let total = train + configuration.evaluationVotes, (drawable, notes) = rows.drawable(among: varying)
    guard !drawable.isEmpty else { return nil }
    let factor: @Sendable (Int) -> Int = { vote in
      var stream = stream.split("factor", vote)
      return drawable[stream.integer(below: drawable.count)]
    }
    return Batches(
      all: (
        total, factor,
        { vote in
          var stream = stream.split("batch", vote)
          return rows.batch(sharing: factor(vote), count: size, stream: &stream)
        }
      ),
      train: 0..<train, evaluation: train..<total, notes: notes)
  }

  /// The latent that each batch votes for.
  private static func votes(
    _ codes: LabeledCodes, _ active: [Int], _ variances: [Double],
    _ batches: (count: Int, factor: @Sendable (Int) -> Int, rows: @Sendable (Int) -> [Int]), device: Device
  ) -> [Int] {
    var votes = [Int](repeating: 0, count: batches.count)
    votes.withUnsafeMutableBufferPointer { votes in
      nonisolated(unsafe) let votes = votes
      device.forEachRange(batches.count) { _, range in
        for vote in range {
          let rows = batches.rows(vote)
          var best = active[0], least = Double.infinity
          for d in active {
            let ratio = variance(codes, latent: d, rows: rows) / variances[d]
            if ratio < least { (best, least) = (d, ratio) }
          }
          votes[vote] = best
        }
      }
    }
    return votes
  }

  /// The variance of a latent with divisor n − 1; 0 for a single data point.
  private static func variance(_ codes: LabeledCodes, latent: Int) -> Double {
    variance(codes, latent: latent, rows: 0..<codes.count)
  }

  private static func variance(_ codes: LabeledCodes, latent: Int, rows: some Collection<Int>) -> Double {
    guard rows.count > 1 else { return 0 }
    var sum = 0.0
    for row in rows { sum += Double(codes.codes[row * codes.latents + latent]) }
    let mean = sum / Double(rows.count)
    var squares = 0.0
    for row in rows {
      let deviation = Double(codes.codes[row * codes.latents + latent]) - mean
      squares += deviation * deviation
    }
    return squares / Double(rows.count - 1)
  }
}
