import TensorCore

/// The mutual information gap, from bins.
///
///     MIG = 1/K Σ_k (I(z_j₁; v_k) − I(z_j₂; v_k)) / H(v_k)
///
/// where j₁ and j₂ are the latents with the most and second most information about the factor v_k (Chen et al. 2018,
/// arXiv:1802.04942, Eq. 6). As in disentanglement_lib (Locatello et al. 2019, arXiv:1811.12359, Appendix B) each latent
/// of 10,000 data points is put into 20 bins of equal width over its own range, factors stay as they are, and
/// information is plugged in from counts: equal to dlib's to rounding (1e-11). Plugged-in information is biased upwards
/// by about (cells − 1)/2N nats; most of that cancels in the gap. For the definition of the paper's authors, which
/// integrates the posteriors, see ``MIGExact``.
///
/// A single latent has nothing to leave a gap to: its second largest information is 0. Factors with a single value are
/// left out. Parts: the gap of each factor `[K]`, mutual information `[D, K]` and H(v) `[K]`, in nats.
public struct MIG: BinnedMetric {
  /// The settings.
  public let configuration: Configuration

  /// Makes the metric.
  public init(configuration: Configuration) { self.configuration = configuration }

  /// Measures.
  public func evaluate(_ input: MetricInput, stream: RandomStream) throws -> MetricResult {
    let codes = input.codes.sample(configuration.points, stream: stream.split("rows"))
    let binned = BinnedInformation(codes, bins: configuration.bins)
    let (information, entropies) = binned.measure(device: input.device)
    let notes = [codes.noteOnSingleValues].compactMap { $0 }
    guard !binned.varying.isEmpty else { return MetricResult([MetricScore("mig", undefined: Undefined.noFactor)]) }
    let gaps = Self.gaps(information, entropies, latents: codes.latents)
    let errors = binned.standardErrors(
      replicates: configuration.bootstrap, stream: stream, device: input.device, count: 1
    ) { information, entropies in
      [Self.mean(Self.gaps(information, entropies, latents: codes.latents))]
    }
    return MetricResult(
      [MetricScore("mig", Self.mean(gaps), standardError: errors[0])],
      parts: [
        MetricPart("gap", axes: ["factor"], shape: [codes.factorCount], values: gaps),
        binned.part(information), binned.part(entropies: entropies),
      ],
      notes: notes)
  }

  /// The gap of each factor from mutual information `[D, K]` and entropies `[K]`; NaN where the entropy is 0.
  static func gaps(_ information: [Double], _ entropies: [Double], latents: Int) -> [Double] {
    let factors = entropies.count
    return (0..<factors).map { k in
      guard entropies[k] > 0 else { return .nan }
      let (first, second) = twoLargest((0..<latents).map { information[$0 * factors + k] })
      return (first - second) / entropies[k]
    }
  }

  /// The mean of the gaps that exist.
  private static func mean(_ gaps: [Double]) -> Double {
    let finite = gaps.filter(\.isFinite)
    return finite.isEmpty ? .nan : finite.reduce(0, +) / Double(finite.count)
  }
}
