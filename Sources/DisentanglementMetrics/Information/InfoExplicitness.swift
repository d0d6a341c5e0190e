import Diagnostics
import Foundation
import RateDecomposition
import TensorCore

/// The explicitness of InfoMEC: what share of a factor's uncertainty a linear classifier takes away.
///
///     InfoE = 1/K Σ_k (H_V(v_k) − H_V(v_k | z)) / H_V(v_k)
///
/// with the predictive V-information of multinomial logistic regressions V (Hsu et al. 2023, arXiv:2305.18378; Xu et
/// al. 2020, arXiv:2002.10689): H_V(v | z) is the mean of −log p of the regression on standardised codes, in nats, with
/// classes weighted alike, on the data points it was learnt from; H_V(v) is that of a regression which sees nothing, log|V_k|.
/// 0 where codes predict nothing linearly, 1 where they predict everything. The authors' regression has no penalty; here C = 10⁴, so
/// that there is a solution where classes can be separated without error, and it is followed until a step promises less
/// than 10⁻⁵ nats. A figure on data points that were learnt from is
/// too large by about (D + 1)(|V| − 1)/(2N·log|V|). The standard error is over the data points, with the regressions as they are.
public struct InfoExplicitness: Sendable {
  /// The share of each factor, `[K]`; NaN for a factor that does not vary.
  public let perFactor: [Double]
  /// The mean over the factors that vary.
  public let score: Estimate

  /// Measures.
  ///
  /// - Parameters:
  ///   - codes: codes of which at least one factor varies.
  ///   - latents: the latents that the regressions see.
  ///   - device: where to compute.
  /// - Throws: `StructuredError` if no factor varies.
  public init(_ codes: LabeledCodes, latents: [Int], device: Device) throws {
    let rows = FeatureMatrix(codes).columns(latents), features = Standardization(of: rows)(rows)
    // The factors with most values, which take longest, first.
    let factors = codes.varyingFactors.sorted { (codes.factorSizes[$1], $0) < (codes.factorSizes[$0], $1) }
    guard !factors.isEmpty else { throw StructuredError("no factor takes more than one value") }
    let regression = LogisticRegression(penalty: 1e4, isBalanced: true, tolerance: 1e-6, lossTolerance: 1e-5)
    let shares = try device.map(factors.count) { _, f in
      let labels = codes.values(ofFactor: factors[f])
      let model = try regression.fit(features, labels: labels, from: nil)
      let uncertainty = log(Double(model.classes.count))
      return model.losses(features, labels: labels, device: device).map { 1 - $0 / uncertainty }
    }
    var perFactor = [Double](repeating: .nan, count: codes.factorCount)
    for (f, factor) in factors.enumerated() { perFactor[factor] = Estimate(meanOf: shares[f]).value }
    self.perFactor = perFactor
    score = Estimate(
      meanOf: (0..<codes.count).map { n in shares.reduce(0) { $0 + $1[n] } / Double(factors.count) })
  }
}
