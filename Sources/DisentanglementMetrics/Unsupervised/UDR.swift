import Diagnostics
import RateDecomposition
import StrictConfiguration
import TensorCore

/// A measure of how several runs relate.
public protocol MultiRunMetric: DisentanglementMetric {
  /// Compares runs whose codes are of the same data points in the same order.
  ///
  /// - Parameters:
  ///   - runs: at least two.
  ///   - labels: what the runs are called, `[runs.count]`, all different.
  ///   - stream: where all randomness comes from.
  /// - Throws: `StructuredError` if there are fewer than two runs, or they are of different data points.
  func compare(_ runs: [MetricInput], labels: [String], stream: RandomStream) throws -> MetricResult
}

/// Unsupervised disentanglement ranking: a run is good if others, from other seeds, found the same latents.
///
///     R_ij[a, b]   how strongly latent a of run i relates to latent b of run j
///     UDR_ij       = ½ (mean_b max_a R_ij[a, b]² / Σ_a R_ij[a, b] + mean_a max_b R_ij[a, b]² / Σ_b R_ij[a, b])
///     UDR_i        = median over j ≠ i of UDR_ji
///
/// (Duan et al. 2020, arXiv:1905.12614). R is the absolute rank correlation (`spearman`) or the absolute
/// coefficient in a Lasso regression of run j's standardised latent b on all latents of run i (`lasso`). Latents whose
/// mean KL is at most 0.01 nats are left out of both means. As in disentanglement_lib: 1,000 data points, the run being
/// the target (j, i); a row or column without any relation counts 0.
///
/// There is one score for each run and relation. Standard errors come from disjoint parts of the data points and cover
/// their choice only, not that of the runs. Parts: UDR_ij for each relation.
public struct UDR: MultiRunMetric {
  /// The settings of ``UDR``.
  public struct Configuration: MetricConfiguration {
    /// Data points looked at; 0 for all.
    public var points: Int
    /// What relates latents.
    public var relations: [UDRRelation]
    /// The largest mean KL of a latent that is left out, in nats.
    public var klThreshold: Double
    /// Disjoint parts of the data behind the standard errors.
    public var groups: Int

    /// Reads `points`, `relations`, `kl_threshold` and `groups`.
    public init(from section: inout ConfigurationSection, preset: MetricPreset) throws {
      let points =
        switch preset {
        case .dlib: 1_000
        case .fast: 500
        case .exact: 0
        }
      self.points = try section.integer("points", default: points, in: .atLeast(0))
      let names = try section.strings("relations", default: UDRRelation.allCases.map(\.rawValue), count: .atLeast(1))
      relations = try names.map { name in
        guard let relation = UDRRelation(rawValue: name), names.filter({ $0 == name }).count == 1 else {
          throw section.error(
            "names \(name)", at: "relations",
            expected: "each once: \(UDRRelation.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return relation
      }
      klThreshold = try section.number("kl_threshold", default: 0.01, in: .atLeast(0))
      groups = try section.integer("groups", default: 10, in: .within(0...1_000))
    }

    /// Builds the metric.
    public func metric() -> any DisentanglementMetric { UDR(configuration: self) }
  }

  /// The settings.
  public let configuration: Configuration

  /// Says that one run is too few.
  public func evaluate(_ input: MetricInput, stream: RandomStream) throws -> MetricResult {
    MetricResult(
      configuration.relations.map {
        MetricScore($0.rawValue, undefined: "This score compares runs: name two or more.")
      })
  }

  /// Compares runs.
  public func compare(_ runs: [MetricInput], labels: [String], stream: RandomStream) throws -> MetricResult {
    guard runs.count >= 2 else {
      throw StructuredError("UDR of \(runs.count) run", expected: "two or more runs")
    }
    precondition(labels.count == runs.count, "\(labels.count) labels for \(runs.count) runs")
    for (run, label) in zip(runs, labels) {
      guard run.codes.count == runs[0].codes.count, run.codes.factors == runs[0].codes.factors else {
        throw StructuredError(
          "the codes are of other data points than those of \(labels[0])", at: label,
          expected: "codes of the same data points in the same order")
      }
    }
    let rows =
      configuration.points == 0
      ? Array(0..<runs[0].codes.count) : runs[0].codes.sampledRows(configuration.points, stream: stream.split("rows"))
    let codes = runs.map { run in
      (0..<run.codes.latents).map { latent in rows.map { Double(run.codes.codes[$0 * run.codes.latents + latent]) } }
    }
    let kls = runs.map { $0.meanKLPerLatent }
    let kept = zip(runs, kls).map { run, kl in
      (0..<run.codes.latents).filter { latent in kl.map { $0[latent] > configuration.klThreshold } ?? true }
    }
    var scores: [MetricScore] = [], parts: [MetricPart] = []
    for relation in configuration.relations {
      let pairwise = Self.pairwise(codes, kept, relation, device: runs[0].device)
      let values = Self.medians(pairwise, runs: runs.count)
      let errors = GroupedErrors.standardErrors(
        rows: rows.count, groups: configuration.groups, stream: stream, device: runs[0].device, count: runs.count
      ) { part in
        let codes = codes.map { $0.map { column in part.map { column[$0] } } }
        return Self.medians(Self.pairwise(codes, kept, relation, device: nil), runs: runs.count)
      }
      for (run, label) in labels.enumerated() {
        let name = "\(relation.rawValue) \(label)"
        scores.append(
          kept[run].isEmpty
            ? MetricScore(name, undefined: "Every latent has a mean KL of at most \(configuration.klThreshold) nats.")
            : MetricScore(
              name, values[run], standardError: errors[run].standardError, repeats: errors[run].repeats))
      }
      parts.append(
        MetricPart(
          "\(relation.rawValue)_pairwise", axes: ["run", "run"], shape: [runs.count, runs.count], values: pairwise))
    }
    let unknown = zip(labels, kls).filter { $0.1 == nil }.map(\.0)
    return MetricResult(
      scores, parts: parts,
      notes: unknown.isEmpty
        ? [] : ["The KL of latents is not known for \(unknown.joined(separator: ", ")); all of them take part."])
  }

  /// UDR_ij, `[runs, runs]`, 0 on the diagonal.
  static func pairwise(
    _ codes: [[[Double]]], _ kept: [[Int]], _ relation: UDRRelation, device: Device?
  ) -> [Double] {
    let count = codes.count, prepared = zip(codes, kept).map { relation.prepare($0, $1) }
    var matrix = [Double](repeating: 0, count: count * count)
    matrix.withUnsafeMutableBufferPointer { matrix in
      nonisolated(unsafe) let matrix = matrix
      forEachRange(count * count, on: device) { range in
        for pair in range where pair / count != pair % count {
          let i = pair / count, j = pair % count
          let strength = relation.matrix(prepared[i], prepared[j])
          matrix[pair] = relativeStrength(strength, rows: kept[i].count, columns: kept[j].count)
        }
      }
    }
    return matrix
  }

  /// ½ (mean over columns of max²/sum + mean over rows of max²/sum); 0 without rows or columns.
  static func relativeStrength(_ matrix: [Double], rows: Int, columns: Int) -> Double {
    guard rows > 0, columns > 0 else { return 0 }
    func strength(_ values: some Sequence<Double>) -> Double {
      let largest = values.reduce(0, max), sum = values.reduce(0, +)
      return sum > 0 ? largest * largest / sum : 0
    }
    let byColumn = (0..<columns).reduce(0.0) { sum, b in
      sum + strength((0..<rows).lazy.map { matrix[$0 * columns + b] })
    }
    let byRow = (0..<rows).reduce(0.0) { $0 + strength(matrix[$1 * columns..<($1 + 1) * columns]) }
    return (byColumn / Double(columns) + byRow / Double(rows)) / 2
  }

  /// The median of each column without its diagonal.
  private static func medians(_ pairwise: [Double], runs: Int) -> [Double] {
    (0..<runs).map { run in
      var others = (0..<runs).filter { $0 != run }.map { pairwise[$0 * runs + run] }
      return Quantile.median(&others)
    }
  }
}

extension MetricInput {
  /// The mean KL(q(z_d|x) ‖ p(z_d)) of each latent in nats, given or from the posteriors; nil where neither is known.
  public var meanKLPerLatent: [Double]? {
    if let meanKL { return meanKL }
    guard let posterior else { return nil }
    return PosteriorStatistics(posterior).klPerDimension
  }
}
