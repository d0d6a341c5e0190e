import RateDecomposition
import StrictConfiguration
import TensorCore

/// The mutual information gap, from the posteriors themselves.
///
///     MIG = 1/K Σ_k (I(z_j₁; v_k) − I(z_j₂; v_k)) / H(v_k),   I(z_d; v) = H(z_d) − Σ_v p(v)·H(z_d|v)
///
/// with q(z_d|v) the average of the posteriors of all data points of which the factor has the value v (Chen et al. 2018,
/// arXiv:1802.04942, Eq. 6 and Appendix B): codes are *sampled* from the posteriors, not their means, so that a latent's
/// noise counts. `FactorInformation` integrates the one-dimensional entropies. The authors' program divides by log |V|,
/// which is H(v) on a full grid, and leaves out the shape of dSprites; both means are given, `mig` over all factors and
/// `mig_without_shape` over those that are not categorical, the one to compare with their figures. Their program takes
/// means over 10,000 samples; here a standard error of 0 means that everything was integrated.
///
/// Needs the log-variances of the posteriors. Parts: the gap of each factor `[K]`, mutual information `[D, K]` in nats.
public struct MIGExact: DisentanglementMetric {
  /// The settings of ``MIGExact``.
  public struct Configuration: MetricConfiguration {
    /// Data points whose posteriors make up q(z); 0 for all.
    public var points: Int
    /// Samples of q(z) where a density is too spiky to integrate.
    public var samples: Int

    /// Reads `points` and `samples`.
    public init(from section: inout ConfigurationSection, preset: MetricPreset) throws {
      points = try section.integer("points", default: preset == .fast ? 20_000 : 0, in: .atLeast(0))
      samples = try section.integer("samples", default: preset == .exact ? 10_000 : 2_000, in: .within(2...10_000_000))
    }

    /// Builds the metric.
    public func metric() -> any DisentanglementMetric { MIGExact(configuration: self) }
  }

  /// The settings.
  public let configuration: Configuration

  /// Measures.
  public func evaluate(_ input: MetricInput, stream: RandomStream) throws -> MetricResult {
    guard let posterior = input.posterior else {
      return MetricResult([
        MetricScore(
          "mig",
          undefined: "The codes come without the log-variances of their posteriors, which are part of the definition.")
      ])
    }
    let all = input.codes, points = configuration.points
    let rows = points == 0 || points >= all.count ? nil : all.sampledRows(points, stream: stream.split("rows"))
    let codes = rows.map(all.rows) ?? all
    guard !codes.varyingFactors.isEmpty else {
      return MetricResult([MetricScore("mig", undefined: Undefined.noFactor)])
    }
    if rows == nil, let known = input.factorInformation, known.samples == 0,
      (known.dataPoints, known.latents) == (codes.count, codes.latents),
      known.factors.map(\.name) == codes.factorNames
    {
      return result(known, codes)
    }
    let table = try rows.map { rows in
      func chosen(_ values: [Float]) -> [Float] {
        rows.flatMap { values[$0 * posterior.latents..<($0 + 1) * posterior.latents] }
      }
      return try PosteriorTable(
        means: chosen(posterior.means), logVariances: chosen(posterior.logVariances), latents: posterior.latents)
    }
    let labels = (0..<codes.factorCount).map {
      FactorLabels(
        name: codes.factorNames[$0], values: codes.values(ofFactor: $0), isCategorical: codes.categoricalFactors[$0])
    }
    var seeds = stream.split("samples")
    let information = try FactorInformation(
      of: IntegratedPosterior(table ?? posterior, on: input.device), factors: labels, samples: configuration.samples,
      seed: seeds.next())
    return result(information, codes)
  }

  private func result(_ information: FactorInformation, _ codes: LabeledCodes) -> MetricResult {
    let scores = [
      information.gap.map { MetricScore("mig", $0, standardError: information.gapStandardError) },
      information.gapWithoutCategorical.map {
        MetricScore("mig_without_shape", $0, standardError: information.gapWithoutCategoricalStandardError)
      },
    ]
    let values = (0..<codes.latents).flatMap { d in information.factors.map { $0.mutualInformation[d].value } }
    return MetricResult(
      scores.compactMap { $0 },
      parts: [
        MetricPart(
          "gap", axes: ["factor"], shape: [codes.factorCount], values: information.factors.map { $0.gap?.value ?? .nan }
        ),
        MetricPart(
          "mutual_information", axes: ["latent", "factor"], shape: [codes.latents, codes.factorCount], values: values,
          unit: "nats"),
      ],
      notes: [
        codes.noteOnSingleValues,
        information.samples > 0
          ? "Densities too spiky to integrate were averaged over \(information.samples) samples." : nil,
      ].compactMap { $0 })
  }
}
