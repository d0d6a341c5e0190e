import Foundation
import RateDecomposition
import TensorCore
import Testing

/// The standard error of mutual information gaps that were sampled, where the truth and the spread are known.
///
/// Posteriors are so narrow that a code tells its cluster: latent 0 has a cluster for each value of the factor, latent 1 puts
/// the two rarest values into one. A sample of an image with value v contributes −log p(v) to I(v; z_0), and −log p(c(v)) of
/// its cluster to I(v; z_1): nearly the same numbers, whose difference is 0 but for the rare values.
@Suite("Standard errors of gaps")
struct GapErrorTests {
  private let device = Device(threads: 2)
  /// 80 images of four values, which occur 40, 20, 12 and 8 times.
  private let values: [Int32] = [(40, 0), (20, 1), (12, 2), (8, 3)].flatMap { count, value in
    [Int32](repeating: value, count: count)
  }
  private let samples = 200, repeats = 300

  private func posterior(_ values: [Int32]) throws -> IntegratedPosterior {
    IntegratedPosterior(
      try PosteriorTable(
        means: values.flatMap { [Double($0), Double(min($0, 2))] },
        logVariances: [Double](repeating: -60, count: 2 * values.count), latents: 2), on: device)
  }

  /// What an image contributes to H(v)·gap, and to the two informations, by its value.
  private var contributions: [(difference: Double, best: Double, second: Double)] {
    let p = [0.5, 0.25, 0.15, 0.1], clusters = [0.5, 0.25, 0.25, 0.25]
    return zip(p, clusters).map { (-log($0) + log($1), -log($0), -log($1)) }
  }

  /// The standard deviation of a contribution over the images.
  private func deviation(_ value: ((difference: Double, best: Double, second: Double)) -> Double) -> Double {
    let all = values.map { value(contributions[Int($0)]) }, mean = all.reduce(0, +) / Double(all.count)
    return (all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(all.count)).squareRoot()
  }

  @Test("The error of a gap is that of the paired differences: it is the spread that is seen, and the closed form")
  func gap() throws {
    let posterior = try posterior(values), entropy = -[0.5, 0.25, 0.15, 0.1].reduce(0) { $0 + $1 * log($1) }
    let gaps = try (0..<repeats).map { seed in
      try #require(
        FactorInformation(
          of: posterior, factors: [FactorLabels(name: "v", values: values)], samples: samples, seed: UInt64(seed)
        ).factors[0].gap)
    }
    let root = Double(samples).squareRoot()
    let exact = deviation(\.difference) / root / entropy
    expectCalibrated("gap", gaps)
    expectValue(
      "gap", gaps.map(\.value), values.reduce(0) { $0 + contributions[Int($1)].difference } / 80 / entropy, bias: 1e-5)
    let stated = gaps.reduce(0) { $0 + ($1.standardError ?? .nan) } / Double(repeats)
    // The mean of 300 standard deviations of 200 values is known to a percent or so.
    #expect(abs(stated / exact - 1) < 0.05, "\(stated), closed form \(exact)")
    // What adding the two variances gave is not the spread: more than twice as much.
    let added =
      (deviation(\.best) * deviation(\.best) + deviation(\.second) * deviation(\.second)).squareRoot() / root / entropy
    #expect(added > 2 * exact, "\(added), \(exact)")
  }

  @Test("The error of MIG is that of the mean of all gaps, which come from the same samples")
  func meanOfGaps() throws {
    // The same factor three times: the mean of its gaps is as uncertain as one of them, not by √3 less.
    let posterior = try posterior(values)
    let labels = ["a", "b", "c"].map { FactorLabels(name: $0, values: values, isCategorical: $0 == "c") }
    let results = try (0..<repeats).map { seed in
      try FactorInformation(of: posterior, factors: labels, samples: samples, seed: UInt64(seed))
    }
    for (name, value, error) in [
      ("MIG", \FactorInformation.gap, \FactorInformation.gapStandardError),
      ("MIG without c", \.gapWithoutCategorical, \.gapWithoutCategoricalStandardError),
    ] {
      let estimates = try results.map {
        Estimate(value: try #require($0[keyPath: value]), standardError: $0[keyPath: error])
      }
      expectCalibrated(name, estimates)
    }
    let (single, mean) = (results[0].factors[0].gap?.standardError ?? .nan, results[0].gapStandardError ?? .nan)
    #expect(abs(mean / single - 1) < 1e-9)
  }

  @Test("What is integrated has no error, and what is half integrated has that of the other half")
  func integrated() throws {
    let labels = [FactorLabels(name: "v", values: values)]
    func information(_ logVariances: [Double]) throws -> FactorInformation {
      let table = try PosteriorTable(
        means: values.flatMap { [2 * Double($0), Double(min($0, 2))] },
        logVariances: values.flatMap { _ in logVariances }, latents: 2)
      return try FactorInformation(
        of: IntegratedPosterior(table, on: device), factors: labels, samples: samples, seed: 1)
    }
    let exact = try information([0, 0])
    #expect(exact.gapStandardError == 0 && exact.factors[0].gap?.standardError == 0)
    let half = try information([0, -60]), factor = half.factors[0]
    let errors = factor.mutualInformation.map { $0.standardError ?? .nan }
    #expect(errors[0] == 0 && errors[1] > 0)
    #expect(abs((factor.gap?.standardError ?? .nan) * factor.entropy / errors[1] - 1) < 1e-12)
  }
}
