import TensorCore

/// DCIMIG, also called 3CharM: gaps between factors instead of gaps between latents.
///
///     DCIMIG = Σ_k max_{d: k*(d) = k} R_d / Σ_k H(v_k),   R_d = I(z_d; v_k*) − max_{k ≠ k*} I(z_d; v_k)
///
/// with k*(d) the factor that the latent d has most information about; a factor that is no latent's has 0 (Sepliarskaia, Kiseleva
/// and de Rijke 2019, arXiv:1910.05587, "How to not measure disentanglement"). It is 1 if and only if each factor
/// has a latent that determines it and carries no information about others, and unlike ``MIG`` it does not fall when several
/// latents carry one factor. The information is that of ``MIG``; the paper does not fix an estimator.
///
/// Parts: the gap of each latent `[D]` and the best gap of each factor, relative to its entropy, `[K]`.
public struct DCIMIG: BinnedMetric {
  /// The settings.
  public let configuration: Configuration

  /// Makes the metric.
  public init(configuration: Configuration) { self.configuration = configuration }

  /// Measures.
  public func evaluate(_ input: MetricInput, stream: RandomStream) throws -> MetricResult {
    let codes = input.codes.sample(configuration.points, stream: stream.split("rows"))
    let binned = BinnedInformation(codes, bins: configuration.bins)
    let (information, entropies) = binned.measure(device: input.device)
    guard !binned.varying.isEmpty else { return MetricResult([MetricScore("dcimig", undefined: Undefined.noFactor)]) }
    let (latents, factors) = Self.gaps(information, factors: codes.factorCount)
    let errors = binned.standardErrors(
      replicates: configuration.bootstrap, stream: stream, device: input.device, count: 1
    ) { information, entropies in
      let gaps = Self.gaps(information, factors: entropies.count)
      return [gaps.factors.reduce(0, +) / entropies.reduce(0, +)]
    }
    return MetricResult(
      [MetricScore("dcimig", factors.reduce(0, +) / entropies.reduce(0, +), standardError: errors[0])],
      parts: [
        MetricPart("gap_per_latent", axes: ["latent"], shape: [codes.latents], values: latents, unit: "nats"),
        MetricPart(
          "gap_per_factor", axes: ["factor"], shape: [codes.factorCount],
          values: zip(factors, entropies).map { $1 > 0 ? $0 / $1 : .nan }),
        binned.part(information), binned.part(entropies: entropies),
      ],
      notes: [codes.noteOnSingleValues].compactMap { $0 })
  }

  /// The gap of each latent and the best of each factor, in nats.
  static func gaps(_ information: [Double], factors count: Int) -> (latents: [Double], factors: [Double]) {
    var latents: [Double] = [], factors = [Double](repeating: 0, count: count)
    for row in stride(from: 0, to: information.count, by: count) {
      let values = information[row..<row + count]
      let (first, second) = twoLargest(values)
      latents.append(first - second)
      guard let best = values.firstIndex(of: first) else { continue }
      factors[best - row] = max(factors[best - row], first - second)
    }
    return (latents, factors)
  }
}
