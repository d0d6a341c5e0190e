import Foundation

/// A number and how well it is known, in nats.
public struct Estimate: Sendable, Equatable, Codable {
  /// The value.
  public var value: Double
  /// The standard error of the value for other samples of the same posterior; 0 for a value that needs no samples, nil
  /// where it is not known (a single sample). It does not include rounding: log densities summed in single precision
  /// are good to some 1e-6 nats, more where posteriors are very narrow.
  public var standardError: Double?

  /// Makes an estimate.
  public init(value: Double, standardError: Double?) {
    self.value = value
    self.standardError = standardError
  }

  /// The mean of independent values, with standard error s/√S.
  public init(meanOf values: [Double]) {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    value = mean
    standardError = values.count > 1 ? (squares / (count - 1) / count).squareRoot() : nil
  }

  /// The mean of independent values, using that the means of other functions of the same samples are known.
  ///
  /// With controls c_k of known mean m_k, regress the values on c_k − m_k: the intercept estimates the mean, and its
  /// standard error is that of the residuals (Owen 2013, "Monte Carlo theory, methods and examples", §8.9), the larger
  /// the farther the controls' means in the sample are from the known ones. Controls that hardly vary, or that others
  /// already explain, are left out; with fewer than 32 values all are. Controls must not have heavy tails: a known
  /// mean that rests on values too rare to be in the sample would be met by extrapolation.
  ///
  /// - Parameters:
  ///   - values: `[S]`.
  ///   - controls: `[K][S]`.
  ///   - means: the controls' exact means, `[K]`.
  public init(meanOf values: [Double], controls: [[Double]], means: [Double]) {
    let count = Double(values.count)
    guard values.count >= 32 else {
      self.init(meanOf: values)
      return
    }
    // Gram–Schmidt: from the values and the later controls take what a control explains; the exact means follow along.
    var target = values, targetShift = 0.0, used = 0.0, leverage = 0.0
    var controls = controls, shifts = zip(controls, means).map { $0.reduce(0, +) / count - $1 }
    let variances = controls.map { Self.covariance($0, $0) }
    for k in controls.indices {
      let variance = Self.covariance(controls[k], controls[k])
      guard variance > 1e-9 * variances[k], variance > 1e-18 else { continue }
      used += 1
      leverage += shifts[k] * shifts[k] / variance
      let slope = Self.covariance(target, controls[k]) / variance
      target = zip(target, controls[k]).map { $0 - slope * $1 }
      targetShift -= slope * shifts[k]
      for j in controls.indices where j > k {
        let slope = Self.covariance(controls[j], controls[k]) / variance
        controls[j] = zip(controls[j], controls[k]).map { $0 - slope * $1 }
        shifts[j] -= slope * shifts[k]
      }
    }
    self.init(
      value: values.reduce(0, +) / count + targetShift,
      standardError: (Self.covariance(target, target) * (1 + leverage) / (count - 1 - used)).squareRoot())
  }

  private static func covariance(_ a: [Double], _ b: [Double]) -> Double {
    let count = Double(a.count)
    let meanA = a.reduce(0, +) / count, meanB = b.reduce(0, +) / count
    return zip(a, b).reduce(0) { $0 + ($1.0 - meanA) * ($1.1 - meanB) } / count
  }

  private enum CodingKeys: String, CodingKey {
    case value
    case standardError = "standard_error"
  }

  /// Writes both fields; an unknown standard error as null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(value, forKey: .value)
    try container.encode(standardError, forKey: .standardError)
  }
}
