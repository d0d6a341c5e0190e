import TensorCore

/// I(bin(z_d); v_k) of a sample of data points, of which several metrics are functions.
struct BinnedInformation: Sendable {
  /// The sample.
  let codes: LabeledCodes
  /// The factors that vary in it.
  let varying: [Int]
  private let bins: DiscreteColumns
  private let factors: DiscreteColumns

  /// Bins the codes; factors stay as they are.
  init(_ codes: LabeledCodes, bins: Int) {
    self.codes = codes
    varying = codes.varyingFactors
    self.bins = DiscreteColumns(binning: codes, bins: bins)
    factors = DiscreteColumns(factorsOf: codes)
  }

  /// Mutual information in nats, `[D, K]`, and H(v), `[K]`.
  func measure(multiplicities: [Int32]? = nil, device: Device? = nil) -> (information: [Double], entropies: [Double]) {
    (
      DiscreteInformation.mutualInformation(bins, factors, multiplicities: multiplicities, device: device),
      DiscreteInformation.entropies(factors, multiplicities: multiplicities)
    )
  }

  /// The bootstrap's standard errors of numbers that follow from the information.
  func standardErrors(
    replicates: Int, stream: RandomStream, device: Device, count: Int,
    of statistic: @escaping @Sendable (_ information: [Double], _ entropies: [Double]) -> [Double]
  ) -> [Double?] {
    Bootstrap.standardErrors(
      rows: codes.count, replicates: replicates, stream: stream, device: device, count: count
    ) { multiplicities in
      let (information, entropies) = measure(multiplicities: multiplicities)
      return statistic(information, entropies)
    }
  }

  /// The part `mutual_information`.
  func part(_ information: [Double]) -> MetricPart {
    MetricPart(
      "mutual_information", axes: ["latent", "factor"], shape: [codes.latents, codes.factorCount], values: information,
      unit: "nats")
  }

  /// The part `factor_entropy`.
  func part(entropies: [Double]) -> MetricPart {
    MetricPart("factor_entropy", axes: ["factor"], shape: [codes.factorCount], values: entropies, unit: "nats")
  }
}

/// The largest and the second largest of some numbers; 0 for one that is not there.
func twoLargest(_ values: some Sequence<Double>) -> (first: Double, second: Double) {
  var first = 0.0, second = 0.0
  for value in values {
    if value > first { (first, second) = (value, first) } else if value > second { second = value }
  }
  return (first, second)
}
