import TensorCore

/// How far each latent depends on one factor only.
///
///     modularity = 1/D Σ_d (1 − Σ_{k ≠ k*} m_dk² / (m_dk*²·(K − 1))),   m_dk = I(z_d; v_k),   k* = argmax_k m_dk
///
/// (Ridgeway and Mozer 2018, arXiv:1802.05312), with the information of ``MIG``: 20 bins of equal width over 10,000
/// data points, as disentanglement_lib has it; equal to dlib's to rounding.
///
/// A latent without information about any factor counts 0 in `modularity`, as in dlib, although the paper does not
/// mention it; `modularity_of_informative_latents` leaves such latents out. Both see plugged-in information, whose bias
/// grows with the number of a factor's values, so that unrelated codes do not have the modularity 0. Factors with a
/// single value are left out. Parts: modularity of each latent `[D]`, mutual information `[D, K]` in nats.
public struct Modularity: BinnedMetric {
  /// The settings.
  public let configuration: Configuration

  /// Makes the metric.
  public init(configuration: Configuration) { self.configuration = configuration }

  /// Measures.
  public func evaluate(_ input: MetricInput, stream: RandomStream) throws -> MetricResult {
    let names = ["modularity", "modularity_of_informative_latents"]
    let codes = input.codes.sample(configuration.points, stream: stream.split("rows"))
    let binned = BinnedInformation(codes, bins: configuration.bins)
    let (information, _) = binned.measure(device: input.device)
    guard binned.varying.count > 1 else {
      let reason = binned.varying.isEmpty ? Undefined.noFactor : Undefined.oneFactor
      return MetricResult(names.map { MetricScore($0, undefined: reason) }, parts: [binned.part(information)])
    }
    let varying = binned.varying, factors = codes.factorCount
    let scores: @Sendable ([Double]) -> [Double] = { information in
      let latents = Self.perLatent(information, factors: factors, varying: varying)
      let informative = latents.filter(\.isFinite), sum = informative.reduce(0, +)
      return [sum / Double(latents.count), sum / Double(informative.count)]
    }
    let errors = binned.standardErrors(
      replicates: configuration.bootstrap, stream: stream, device: input.device, count: 2
    ) { information, _ in scores(information) }
    let values = scores(information), latents = Self.perLatent(information, factors: factors, varying: varying)
    let dead = latents.filter(\.isNaN).count
    return MetricResult(
      [
        MetricScore(names[0], values[0], standardError: errors[0]),
        values[1].isFinite
          ? MetricScore(names[1], values[1], standardError: errors[1])
          : MetricScore(names[1], undefined: "No latent carries information about a factor."),
      ],
      parts: [
        MetricPart("modularity_per_latent", axes: ["latent"], shape: [codes.latents], values: latents),
        binned.part(information),
      ],
      notes: [
        codes.noteOnSingleValues,
        dead > 0
          ? "\(dead) of \(codes.latents) latents carry no information about any factor and count as 0 in \(names[0])."
          : nil,
      ].compactMap { $0 })
  }

  /// The modularity of each latent from mutual information `[D, K]`; NaN for one without information.
  static func perLatent(_ information: [Double], factors: Int, varying: [Int]) -> [Double] {
    stride(from: 0, to: information.count, by: factors).map { row in
      let squares = varying.map { information[row + $0] * information[row + $0] }
      let largest = squares.max() ?? 0
      guard largest > 0 else { return .nan }
      return 1 - (squares.reduce(0, +) - largest) / (largest * Double(squares.count - 1))
    }
  }
}
