import Foundation
import TensorCore

/// The explicitness of InfoMEC: what share of a factor's uncertainty a linear classifier takes away.
///
///     InfoE = 1/K Σ_k (H_V(v_k) − H_V(v_k | z)) / H_V(v_k)
///
/// with the predictive V-information of multinomial logistic regressions V (Hsu et al. 2023, arXiv:2305.18378, §4; Xu et
/// al. 2020, arXiv:2002.10689): H_V(v | z) is the mean of −log p of the regression on standardised codes, in nats, with
/// classes weighted alike, on the data points it was learnt from; H_V(v) is that of a regression which sees nothing, log|V_k|.
/// 0 where codes tell nothing linearly, 1 where they tell all. The authors' regression has no penalty; here C = 10⁴, so
/// that there is a solution where classes can be separated without error. A figure on data points that were learnt from is
/// too large by about (D + 1)(|V| − 1)/(N·H) of its own.
public enum InfoExplicitness {
  /// InfoE of each factor, `[K]`; NaN for a factor that does not vary.
  public static func perFactor(_ codes: LabeledCodes, device: Device) throws -> [Double] {
    let rows = FeatureMatrix(codes), features = Standardization(of: rows)(rows)
    let factors = codes.varyingFactors
    let regression = LogisticRegression(penalty: 1e4, isBalanced: true, tolerance: 1e-6)
    let values = try device.map(factors.count) { _, f in
      let labels = codes.values(ofFactor: factors[f])
      let model = try regression.fit(features, labels: labels, from: nil)
      return 1 - model.meanLoss(features, labels: labels, device: device) / log(Double(model.classes.count))
    }
    var result = [Double](repeating: .nan, count: codes.factorCount)
    for (f, factor) in factors.enumerated() { result[factor] = values[f] }
    return result
  }
}
