import RateDecomposition
import TensorCore

/// Scores that need no factors: how far the codes are from independent components.
///
/// - `gaussian_total_correlation`: TC of the Gaussian with the codes' covariance Σ, ½(Σ log Σ_dd − log det Σ), nats.
/// - `gaussian_wasserstein_correlation`: the *squared* 2-Wasserstein distance of that Gaussian from N(0, diag Σ), and
///   `…_normalised` by tr Σ.
/// - `mutual_information_score`: the mean of I(bin(z_i); bin(z_j)) over i ≠ j, 20 bins of equal width, nats.
///
/// As disentanglement_lib computes them from 10,000 data points (Locatello et al. 2019, arXiv:1811.12359; covariance with
/// divisor N − 1); smaller is more independent. dlib's are NaN with a constant latent, which the first two leave out
/// here. Where latents are linear functions of others the total correlation is infinite, and has no value. None of this
/// is the total correlation of the aggregate posterior, for which see the rate decomposition.
///
/// Parts: covariance and mutual information of the binned codes, `[D, D]`, its diagonal being entropies.
public struct Unsupervised: BinnedMetric {
  /// The settings.
  public let configuration: Configuration

  /// Makes the metric.
  public init(configuration: Configuration) { self.configuration = configuration }

  /// Bins are counted with those of other latents.
  public static func valuesBesideBins(_ input: MetricInput, bins: Int) -> Int { bins }

  private static let names = [
    "gaussian_total_correlation", "gaussian_wasserstein_correlation", "gaussian_wasserstein_correlation_normalised",
    "mutual_information_score",
  ]

  /// Measures.
  public func evaluate(_ input: MetricInput, stream: RandomStream) throws -> MetricResult {
    let codes = input.codes.sample(configuration.points, stream: stream.split("rows"))
    guard codes.count > 1 else {
      return MetricResult(Self.names.map { MetricScore($0, undefined: Undefined.onePoint) })
    }
    let measurement = Measurement(codes, bins: configuration.bins, device: input.device)
    let values = measurement.scores(measurement.covariance, measurement.information)
    let errors = Bootstrap.standardErrors(
      rows: codes.count, replicates: configuration.bootstrap, stream: stream, device: input.device, count: 4,
      statistic: measurement.scores(of:))
    let units = ["nats", nil, nil, "nats"]
    let scores = Self.names.indices.map { position in
      values[position].isFinite
        ? MetricScore(Self.names[position], values[position], standardError: errors[position], unit: units[position])
        : MetricScore(Self.names[position], undefined: measurement.reason(position))
    }
    let constant = codes.latents - measurement.active.count
    return MetricResult(
      scores,
      parts: [
        MetricPart(
          "covariance", axes: ["latent", "latent"], shape: [codes.latents, codes.latents],
          values: measurement.covariance),
        MetricPart(
          "mutual_information", axes: ["latent", "latent"], shape: [codes.latents, codes.latents],
          values: measurement.information, unit: "nats"),
      ],
      notes: constant > 0 && constant < codes.latents
        ? ["\(constant) of \(codes.latents) latents are constant and left out of the Gaussian scores."] : [])
  }

  /// What the scores are functions of.
  private struct Measurement: Sendable {
    let latents: Int
    let active: [Int]
    let covariance: [Double]
    let information: [Double]
    private let columns: [[Double]]
    private let bins: DiscreteColumns

    init(_ codes: LabeledCodes, bins count: Int, device: Device) {
      latents = codes.latents
      active = codes.varyingLatents
      columns = (0..<codes.latents).map { codes.values(ofLatent: $0).map(Double.init) }
      bins = DiscreteColumns(binning: codes, bins: count)
      covariance = Self.covariance(columns, multiplicities: nil, device: device)
      information = DiscreteInformation.mutualInformation(among: bins, device: device)
    }

    func scores(of multiplicities: [Int32]) -> [Double] {
      scores(
        Self.covariance(columns, multiplicities: multiplicities, device: nil),
        DiscreteInformation.mutualInformation(among: bins, multiplicities: multiplicities))
    }

    func scores(_ covariance: [Double], _ information: [Double]) -> [Double] {
      let size = active.count
      let kept = active.flatMap { i in active.map { covariance[i * latents + $0] } }
      let trace = (0..<size).reduce(0) { $0 + kept[$1 * size + $1] }
      let isVarying = size > 0 && (0..<size).allSatisfy { kept[$0 * size + $0] > 0 }
      let wasserstein = isVarying ? GaussianDependence.squaredWasserstein(kept, size: size) : .nan
      let pairs = Double(latents * (latents - 1))
      let outside = (0..<latents * latents).reduce(0.0) { $1 / latents == $1 % latents ? $0 : $0 + information[$1] }
      return [
        isVarying ? GaussianDependence.totalCorrelation(kept, size: size) ?? .nan : .nan, wasserstein,
        wasserstein / trace, outside / pairs,
      ]
    }

    /// Why a score is undefined.
    func reason(_ position: Int) -> String {
      if position == 3 { return "There is a single latent; this score compares pairs." }
      return active.isEmpty
        ? Undefined.constantCodes
        : "Some latents are linear functions of others, so that the Gaussian total correlation is infinite."
    }

    private static func covariance(_ columns: [[Double]], multiplicities: [Int32]?, device: Device?) -> [Double] {
      let size = columns.count, total = multiplicities.map { Double($0.reduce(0) { $0 + Int($1) }) }
      let count = total ?? Double(columns[0].count)
      let means = columns.map { column in
        guard let multiplicities else { return column.reduce(0, +) / count }
        return zip(column, multiplicities).reduce(0.0) { $0 + $1.0 * Double($1.1) } / count
      }
      var matrix = [Double](repeating: 0, count: size * size)
      matrix.withUnsafeMutableBufferPointer { matrix in
        nonisolated(unsafe) let matrix = matrix
        forEachRange(size, on: device) { range in
          for i in range {
            let a = columns[i]
            for j in i..<size {
              let b = columns[j], meanA = means[i], meanB = means[j]
              var sum = 0.0
              if let multiplicities {
                for n in a.indices { sum += (a[n] - meanA) * (b[n] - meanB) * Double(multiplicities[n]) }
              } else {
                for n in a.indices { sum += (a[n] - meanA) * (b[n] - meanB) }
              }
              matrix[i * size + j] = sum / (count - 1)
              matrix[j * size + i] = sum / (count - 1)
            }
          }
        }
      }
      return matrix
    }
  }
}
