import StrictConfiguration
import TensorCore

/// The interventional robustness score: how little a latent moves while the factor that explains it best is held fixed.
///
///     IRS_dk = 1 − mean_v Q₀.₉₉(|z_d − E(z_d|v_k = v)|, given v_k = v) / max|z_d − E z_d|
///     IRS    = Σ_d w_d max_k IRS_dk / Σ_d w_d,   w_d = max|z_d − E z_d|
///
/// (Suter, Miladinović, Schölkopf and Bauer 2019, arXiv:1811.00007, with the quantile in the place of a maximum as
/// in disentanglement_lib; quantiles interpolate linearly). With a factor's nuisances drawn at random this is their
/// post-interventional disagreement for an empty set of kept factors.
///
/// dlib puts the factors, too, into 20 bins of equal width, which merges neighbouring values of factors with more (on
/// dSprites' orientation and positions scores move by some 0.005, on the reference codes from 0.4660 to 0.4691): preset
/// `exact` does not (`factor_bins: 0`). Constant latents are left out; dlib's `num_active_dims`, a sum of code values,
/// is not reproduced. The data need not be a full grid, but a value of a single data point has no deviation from its own
/// mean: a note counts such values, which make a factor's scores too large. Parts: the matrix `[D, K]`, the weights and the
/// best score of each latent `[D]`.
public struct IRS: DisentanglementMetric {
  /// The settings of ``IRS``.
  public struct Configuration: MetricConfiguration {
    /// Data points looked at; 0 for all.
    public var points: Int
    /// Which quantile of the deviations counts.
    public var quantile: Double
    /// Bins for each factor; 0 for none.
    public var factorBins: Int
    /// Bootstrap replicates behind the standard error.
    public var bootstrap: Int

    /// Reads `points`, `quantile`, `factor_bins` and `bootstrap`.
    public init(from section: inout ConfigurationSection, preset: MetricPreset) throws {
      points = try section.points(preset)
      quantile = try section.number("quantile", default: 0.99, in: .within(0...1))
      factorBins = try section.integer("factor_bins", default: preset == .exact ? 0 : 20, in: .within(0...10_000))
      bootstrap = try section.bootstrap(preset, exact: 4)
    }

    /// Builds the metric.
    public func metric() -> any DisentanglementMetric { IRS(configuration: self) }
  }

  /// The settings.
  public let configuration: Configuration

  /// Measures.
  public func evaluate(_ input: MetricInput, stream: RandomStream) throws -> MetricResult {
    let codes = input.codes.sample(configuration.points, stream: stream.split("rows"))
    let varying = codes.varyingFactors, active = codes.varyingLatents
    guard !varying.isEmpty, !active.isEmpty else {
      return MetricResult([
        MetricScore("irs", undefined: varying.isEmpty ? Undefined.noFactor : Undefined.constantCodes)
      ])
    }
    let bins = configuration.factorBins
    let labels = varying.map { factor in
      let values = codes.values(ofFactor: factor)
      return bins == 0 ? values : equalWidthBins(values.map(Double.init), bins: bins)
    }
    let columns = active.map { codes.values(ofLatent: $0).map(Double.init) }, quantile = configuration.quantile
    let measured = Self.matrix(columns, labels, rows: Array(0..<codes.count), quantile: quantile, device: input.device)
    let errors = Bootstrap.standardErrors(
      rows: codes.count, replicates: configuration.bootstrap, stream: stream, device: input.device, count: 1
    ) { multiplicities in
      let rows = multiplicities.indices.flatMap { [Int](repeating: $0, count: Int(multiplicities[$0])) }
      return [Self.score(Self.matrix(columns, labels, rows: rows, quantile: quantile))]
    }
    func spread(_ values: [Double]) -> [Double] {
      var all = [Double](repeating: .nan, count: codes.latents)
      for (position, latent) in active.enumerated() { all[latent] = values[position] }
      return all
    }
    var matrix = [Double](repeating: .nan, count: codes.latents * codes.factorCount)
    for (i, latent) in active.enumerated() {
      for (j, factor) in varying.enumerated() {
        matrix[latent * codes.factorCount + factor] = measured.matrix[i * varying.count + j]
      }
    }
    let best = active.indices.map { measured.matrix[$0 * varying.count..<($0 + 1) * varying.count].max() ?? .nan }
    let constant = codes.latents - active.count
    let singles = zip(varying, labels).compactMap { factor, values -> String? in
      let counts = Dictionary(values.map { ($0, 1) }, uniquingKeysWith: +), single = counts.count { $1 == 1 }
      return single == 0
        ? nil
        : "\(single) of \(counts.count) values of the factor \(codes.factorNames[factor]) have a single data point, which "
          + "does not deviate from its mean."
    }
    return MetricResult(
      [MetricScore("irs", Self.score(measured), standardError: errors[0])],
      parts: [
        MetricPart(
          "irs_matrix", axes: ["latent", "factor"], shape: [codes.latents, codes.factorCount], values: matrix),
        MetricPart("irs_per_latent", axes: ["latent"], shape: [codes.latents], values: spread(best)),
        MetricPart("weight", axes: ["latent"], shape: [codes.latents], values: spread(measured.weights)),
      ],
      notes: [
        codes.noteOnSingleValues,
        constant > 0 ? "\(constant) of \(codes.latents) latents are constant and left out." : nil,
      ].compactMap { $0 } + singles)
  }

  /// The matrix `[latents, factors]` and the weight of each latent over some rows, which may repeat.
  static func matrix(
    _ columns: [[Double]], _ labels: [[Int32]], rows: [Int], quantile: Double, device: Device? = nil
  ) -> (matrix: [Double], weights: [Double]) {
    // The rows of each value of each factor, next to each other.
    let groups = labels.map { values in
      Dictionary(grouping: rows) { values[$0] }.sorted { $0.key < $1.key }.map(\.value)
    }
    var matrix = [Double](repeating: 0, count: columns.count * labels.count)
    var weights = [Double](repeating: 0, count: columns.count)
    matrix.withUnsafeMutableBufferPointer { matrix in
      weights.withUnsafeMutableBufferPointer { weights in
        nonisolated(unsafe) let matrix = matrix, weights = weights
        forEachRange(columns.count, on: device) { range in
          var deviations: [Double] = []
          for d in range {
            let column = columns[d]
            let mean = rows.reduce(0.0) { $0 + column[$1] } / Double(rows.count)
            let largest = rows.reduce(0.0) { max($0, abs(column[$1] - mean)) }
            weights[d] = largest
            for (k, groups) in groups.enumerated() {
              var sum = 0.0
              for group in groups {
                let centre = group.reduce(0.0) { $0 + column[$1] } / Double(group.count)
                deviations.removeAll(keepingCapacity: true)
                for row in group { deviations.append(abs(column[row] - centre)) }
                sum += Quantile.interpolated(&deviations, quantile)
              }
              matrix[d * labels.count + k] = largest > 0 ? 1 - sum / Double(groups.count) / largest : .nan
            }
          }
        }
      }
    }
    return (matrix, weights)
  }

  /// The average of the rows' maxima by the weights; NaN if all latents are constant.
  private static func score(_ measured: (matrix: [Double], weights: [Double])) -> Double {
    let width = measured.matrix.count / measured.weights.count
    var sum = 0.0
    for (d, weight) in measured.weights.enumerated() where weight > 0 {
      sum += weight * (measured.matrix[d * width..<(d + 1) * width].max() ?? 0)
    }
    return sum / measured.weights.reduce(0, +)
  }
}
