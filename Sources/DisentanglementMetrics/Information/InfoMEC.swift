import Diagnostics
import StrictConfiguration
import TensorCore

/// InfoMEC: modularity, compactness and explicitness (Hsu, Dorrell, Whittington, Wu and Finn 2023, "Disentanglement via latent
/// quantization", arXiv:2305.18378), from normalised information N_kd = I(v_k; z_d)/H(v_k):
///
///     InfoM = (mean_d max_k N_kd / Σ_k N_kd − 1/K) / (1 − 1/K)
///     InfoC = (mean_k max_d N_kd / Σ_d N_kd − 1/D) / (1 − 1/D)
///
/// over the D active latents, those whose range is more than 1/20 of the largest one's, as in the authors' program.
/// Information is estimated from 10 nearest neighbours as there (``NearestNeighborInformation``), or with
/// `estimator: bins` plugged in from 20 bins of equal width. A latent or factor without any information counts as
/// spread evenly, 0. Standard errors of both come from 10 disjoint parts of the data, because repeated rows would be each
/// other's nearest neighbours. InfoE, of the active latents, is in ``InfoExplicitness``. Parts: N as `[D, K]`, which latents
/// are active `[D]`, explicitness `[K]`.
public struct InfoMEC: DisentanglementMetric {
  /// How information is estimated.
  public enum Estimator: String, Sendable, CaseIterable {
    /// From distances to nearest neighbours.
    case neighbors
    /// From counts in bins of equal width.
    case bins
  }

  /// The settings of ``InfoMEC``.
  public struct Configuration: MetricConfiguration {
    /// Data points looked at; 0 for all.
    public var points: Int
    /// How information is estimated.
    public var estimator: Estimator
    /// Nearest neighbours.
    public var neighbors: Int
    /// Bins for each latent.
    public var bins: Int
    /// The smallest range of an active latent, relative to the largest.
    public var activeRange: Double
    /// Disjoint parts of the data behind the standard errors.
    public var groups: Int

    /// Reads `points`, `estimator`, `neighbors`, `bins`, `active_range` and `groups`.
    public init(from section: inout ConfigurationSection, preset: MetricPreset) throws {
      let points =
        switch preset {
        case .dlib: 10_000
        case .fast: 2_000
        case .exact: 100_000
        }
      self.points = try section.integer("points", default: points, in: .atLeast(0))
      estimator = try section.choice("estimator", default: .neighbors)
      neighbors = try section.integer("neighbors", default: 10, in: .within(1...10_000))
      bins = try section.bins()
      activeRange = try section.number("active_range", default: 0.05, in: .within(0..<1))
      groups = try section.integer("groups", default: 10, in: .within(0...1_000))
    }

    /// Builds the metric.
    public func metric() -> any DisentanglementMetric { InfoMEC(configuration: self) }

    /// Tables of counts, one for each thread, if information is counted in bins; the counts of each factor's values.
    public func memory(for input: MetricInput, at section: String) -> [MemoryRequirement] {
      let pairs = input.codes.latents * input.codes.factorCount
      return [
        estimator == .bins
          ? input.tables(bins, input.largestFactor, pairs: pairs, at: "\(section).bins")
          : input.tables(1, input.largestFactor, pairs: 1, at: section)
      ]
    }
  }

  /// The settings.
  public let configuration: Configuration

  private static let names = ["modularity", "compactness", "explicitness"]

  /// Measures.
  public func evaluate(_ input: MetricInput, stream: RandomStream) throws -> MetricResult {
    let codes = input.codes.sample(configuration.points, stream: stream.split("rows"))
    let varying = codes.varyingFactors, active = Self.active(codes, range: configuration.activeRange)
    guard !varying.isEmpty, !active.isEmpty else {
      let reason = varying.isEmpty ? Undefined.noFactor : Undefined.constantCodes
      return MetricResult(Self.names.map { MetricScore($0, undefined: reason) })
    }
    let columns = active.map { codes.values(ofLatent: $0).map(Double.init) }
    let factors = varying.map { codes.values(ofFactor: $0) }, sizes = varying.map { codes.factorSizes[$0] }
    let information = normalizedInformation(columns, factors, sizes, device: input.device)
    let values = Self.scores(information, latents: active.count, factors: varying.count)
    let errors = GroupedErrors.standardErrors(
      rows: codes.count, groups: configuration.groups, stream: stream, device: input.device, count: 2
    ) { rows in
      let part = normalizedInformation(
        columns.map { column in rows.map { column[$0] } }, factors.map { factor in rows.map { factor[$0] } }, sizes)
      return Self.scores(part, latents: active.count, factors: varying.count)
    }
    func score(_ position: Int, _ reason: String) -> MetricScore {
      values[position].isFinite
        ? MetricScore(
          Self.names[position], values[position], standardError: errors[position].standardError,
          repeats: errors[position].repeats)
        : MetricScore(Self.names[position], undefined: reason)
    }
    let explicitness = try InfoExplicitness(codes, latents: active, device: input.device)
    var matrix = [Double](repeating: .nan, count: codes.latents * codes.factorCount)
    for (i, latent) in active.enumerated() {
      for (j, factor) in varying.enumerated() {
        matrix[latent * codes.factorCount + factor] = information[i * varying.count + j]
      }
    }
    let inactive = codes.latents - active.count
    return MetricResult(
      [
        score(0, Undefined.oneFactor),
        score(1, "A single latent is active; compactness compares several."),
        MetricScore(Self.names[2], explicitness.score.value, standardError: explicitness.score.standardError),
      ],
      parts: [
        MetricPart(
          "normalized_information", axes: ["latent", "factor"], shape: [codes.latents, codes.factorCount],
          values: matrix),
        MetricPart(
          "active", axes: ["latent"], shape: [codes.latents],
          values: (0..<codes.latents).map { active.contains($0) ? 1 : 0 }),
        MetricPart("explicitness", axes: ["factor"], shape: [codes.factorCount], values: explicitness.perFactor),
      ],
      notes: [
        codes.noteOnSingleValues,
        inactive > 0 ? "\(inactive) of \(codes.latents) latents hardly move and are left out." : nil,
      ].compactMap { $0 })
  }

  /// The latents whose range is more than a share of the largest one's.
  static func active(_ codes: LabeledCodes, range share: Double) -> [Int] {
    let ranges = (0..<codes.latents).map { latent in
      let values = codes.values(ofLatent: latent)
      return Double(values.max() ?? 0) - Double(values.min() ?? 0)
    }
    let largest = ranges.max() ?? 0
    return ranges.indices.filter { ranges[$0] > share * largest }
  }

  /// I(v; z)/H(v), `[latents, factors]`; 0 for a factor that does not vary in these rows.
  private func normalizedInformation(
    _ columns: [[Double]], _ factors: [[Int32]], _ sizes: [Int], device: Device? = nil
  ) -> [Double] {
    let discrete = DiscreteColumns(factors, sizes: sizes), entropies = DiscreteInformation.entropies(discrete)
    var information: [Double]
    switch configuration.estimator {
    case .bins:
      let bins = DiscreteColumns(
        columns.map { equalWidthBins($0, bins: configuration.bins) },
        sizes: [Int](repeating: configuration.bins, count: columns.count))
      information = DiscreteInformation.mutualInformation(bins, discrete, device: device)
    case .neighbors:
      let estimator = NearestNeighborInformation(neighbors: configuration.neighbors, count: discrete.count)
      information = [Double](repeating: 0, count: columns.count * factors.count)
      information.withUnsafeMutableBufferPointer { information in
        nonisolated(unsafe) let information = information
        forEachRange(columns.count, on: device) { range in
          for d in range {
            for (k, value) in estimator.information(columns[d], factors).enumerated() {
              information[d * factors.count + k] = value
            }
          }
        }
      }
    }
    return information.indices.map { position in
      let entropy = entropies[position % factors.count]
      return entropy > 0 ? information[position] / entropy : 0
    }
  }

  /// InfoM and InfoC of N as `[latents, factors]`; NaN for one that compares nothing.
  static func scores(_ information: [Double], latents: Int, factors: Int) -> [Double] {
    func concentration(_ lists: [[Double]]) -> Double {
      let count = Double(lists[0].count)
      let shares = lists.map { list in
        let sum = list.reduce(0, +)
        return sum > 0 ? (list.max() ?? 0) / sum : 1 / count
      }
      return (shares.reduce(0, +) / Double(lists.count) - 1 / count) / (1 - 1 / count)
    }
    let rows = (0..<latents).map { d in (0..<factors).map { information[d * factors + $0] } }
    let columns = (0..<factors).map { k in (0..<latents).map { information[$0 * factors + k] } }
    return [factors > 1 ? concentration(rows) : .nan, latents > 1 ? concentration(columns) : .nan]
  }
}
