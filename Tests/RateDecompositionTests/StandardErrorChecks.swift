import Foundation
import RateDecomposition
import Testing

/// Checks that the standard errors of estimates over repeated seeds are the spread that is seen.
///
/// For r independent repetitions (r − 1)·seen²/reported² follows χ² with r − 1 degrees of freedom, approximately: its
/// standard deviation is √(2/(r − 1)) of its mean, and four of these are allowed.
func expectCalibrated(
  _ name: String, _ estimates: [Estimate], sourceLocation: SourceLocation = #_sourceLocation
) {
  let repeats = Double(estimates.count), values = estimates.map(\.value), mean = values.reduce(0, +) / repeats
  let seen = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (repeats - 1)
  let reported = estimates.reduce(0) { $0 + ($1.standardError ?? .nan) * ($1.standardError ?? .nan) } / repeats
  let slack = 4 * (2 / (repeats - 1)).squareRoot(), ratio = seen / reported
  #expect(
    ratio > 1 / (1 + slack) && ratio < 1 + slack, "\(name): spread² ÷ reported² = \(ratio)",
    sourceLocation: sourceLocation)
}

/// Checks estimates of one number against its value: their mean, with the spread over repetitions, and a bias allowed.
func expectValue(
  _ name: String, _ values: [Double], _ expected: Double, bias: Double,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let mean = Estimate(meanOf: values), bound = 4 * (mean.standardError ?? .infinity) + bias
  #expect(
    abs(mean.value - expected) < bound, "\(name): \(mean.value), exact \(expected), bound \(bound)",
    sourceLocation: sourceLocation)
}
