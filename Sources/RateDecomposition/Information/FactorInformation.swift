import Diagnostics
import Foundation
import TensorCore

/// The value of one generating factor for each of N data points.
public struct FactorLabels: Sendable, Equatable {
  /// What the factor is called.
  public var name: String
  /// Its values, `[N]`, each at least 0.
  public var values: [Int32]
  /// Whether the values are categories, which have no order.
  public var isCategorical: Bool

  /// Names the values.
  public init(name: String, values: [Int32], isCategorical: Bool = false) {
    (self.name, self.values, self.isCategorical) = (name, values, isCategorical)
  }
}

/// The mutual information of each latent and each generating factor v, over the whole data set, in nats:
///
///     I(v; z_d) = H(z_d) − Σ_v p(v)·H(z_d|v)
///
/// with q(z_d|v) the average of the posteriors of all data points of which the factor has the value v (Chen et al. 2018,
/// arXiv:1802.04942, §4.1 and Appendix B). The authors' program takes means over samples; here the one-dimensional
/// entropies are integrated, so that a standard error of 0 is meant. Only where a density is too spiky to integrate
/// stands a mean over samples of q(z), with its standard error.
///
/// The mutual information gap of a factor is the difference between its two largest I(v; z_d), negative ones taken as 0,
/// divided by H(v) (their Eq. 6); MIG is the mean over the factors. What was sampled was sampled together: the standard
/// error of a gap is that of the mean of the differences, sample by sample, and that of MIG likewise. It holds which
/// latents are the two largest to be known.
public struct FactorInformation: Sendable, Equatable, Codable {
  /// One factor.
  public struct Factor: Sendable, Equatable, Codable {
    /// What it is called.
    public var name: String
    /// How many values occur.
    public var values: Int
    /// H(v), counted over the data; log of the number of values on a full grid.
    public var entropy: Double
    /// I(v; z_d), `[D]`.
    public var mutualInformation: [Estimate]
    /// The mutual information gap, between 0 and 1; nil for a factor with a single value.
    public var gap: Estimate?
    /// The latent with the most information about the factor.
    public var bestLatent: Int
    /// The latent with the second most information; nil if there is one latent only.
    public var secondLatent: Int?

    private enum CodingKeys: String, CodingKey {
      case name, values, entropy, gap
      case mutualInformation = "mutual_information"
      case bestLatent = "best_latent"
      case secondLatent = "second_latent"
    }
  }

  /// Always "nats".
  public var units: String
  /// N.
  public var dataPoints: Int
  /// D.
  public var latents: Int
  /// The samples of q(z) behind values with a standard error; 0 if all were integrated.
  public var samples: Int
  /// The factors in their order.
  public var factors: [Factor]
  /// The mean gap over all factors of more than one value; nil if there is none.
  public var gap: Double?
  /// The standard error of ``gap``; 0 if all was integrated.
  public var gapStandardError: Double?
  /// The mean gap over those of these factors that are not categorical, as the paper's authors leave out the shape of
  /// dSprites; nil if no factor is categorical, or all are.
  public var gapWithoutCategorical: Double?
  /// The standard error of ``gapWithoutCategorical``; 0 if all was integrated.
  public var gapWithoutCategoricalStandardError: Double?

  /// Measures all factors.
  ///
  /// - Parameters:
  ///   - posterior: the integrated posteriors of all data points.
  ///   - labels: the factors, each with a value for every data point.
  ///   - samples: how many samples of q(z) stand in where a density cannot be integrated, at least 2.
  ///   - seed: the seed of these samples.
  ///   - progress: called with the number of factors done.
  /// - Throws: `StructuredError` if a factor has more or fewer values than there are data points, or one below 0, or if
  ///   there is no memory for the samples, should any be needed.
  public init(
    of posterior: IntegratedPosterior, factors labels: [FactorLabels], samples: Int = 2_000, seed: UInt64 = 0,
    progress: (Int) -> Void = { _ in }
  ) throws {
    let d = posterior.latents, stream = RandomStream(seed: seed).split("factor information")
    units = "nats"
    dataPoints = posterior.dataPoints
    latents = d
    var sampled: (codes: [Float], indices: [Int])?
    factors = []
    var gaps: [Information?] = []
    let allGroups = try labels.map { try Self.groups($0, count: posterior.dataPoints) }
    var conditionals: [[Double?]] = []
    for bundle in FactorBundle.bundles(allGroups, count: posterior.dataPoints) {
      conditionals += bundle.conditionalEntropies(
        posterior.posterior, latents: (0..<d).filter { posterior.marginals[$0] != nil }, on: posterior.device)
      progress(conditionals.count)
    }
    for (number, label) in labels.enumerated() {
      let groups = allGroups[number], conditional = conditionals[number]
      let informations = try (0..<d).map { k in
        if let density = posterior.marginals[k], let conditional = conditional[k] {
          return Information(exact: density.entropy - conditional)
        }
        if sampled == nil { try RateDecomposition.memory(samples: samples, latents: d, at: "samples").check() }
        let (codes, indices) = sampled ?? posterior.aggregate.samples(samples, from: stream)
        sampled = (codes, indices)
        return Self.sampledInformation(posterior, latent: k, groups, label, codes: codes, indices: indices)
      }
      let entropy = TensorCore.entropy(ofCounts: groups.map(\.count))
      let order = informations.indices.sorted { (informations[$1].value, $0) < (informations[$0].value, $1) }
      let second = order.dropFirst().first
      gaps.append(
        groups.count > 1
          ? Information.gap(informations[order[0]], second.map { informations[$0] }, entropy: entropy) : nil)
      factors.append(
        Factor(
          name: label.name, values: groups.count, entropy: entropy, mutualInformation: informations.map(\.estimate),
          gap: gaps[number]?.estimate, bestLatent: order[0], secondLatent: second))
    }
    self.samples = sampled == nil ? 0 : samples
    let all = Information.mean(gaps.compactMap { $0 })?.estimate
    (gap, gapStandardError) = (all?.value, all?.standardError)
    let others = zip(gaps, labels).filter { !$1.isCategorical }.map { $0.0 }
    let some = others.count < gaps.count ? Information.mean(others.compactMap { $0 })?.estimate : nil
    (gapWithoutCategorical, gapWithoutCategoricalStandardError) = (some?.value, some?.standardError)
  }

  /// The data points of each value that occurs.
  private static func groups(_ label: FactorLabels, count: Int) throws -> [[Int]] {
    guard label.values.count == count else {
      throw StructuredError(
        "the factor \"\(label.name)\" has \(label.values.count) values for \(count) data points",
        expected: "one for each data point")
    }
    if let bad = label.values.firstIndex(where: { $0 < 0 }) {
      throw StructuredError(
        "the factor \"\(label.name)\" of data point \(bad) is \(label.values[bad])", expected: "whole numbers from 0")
    }
    var groups: [Int32: [Int]] = [:]
    for (n, value) in label.values.enumerated() { groups[value, default: []].append(n) }
    return groups.sorted { $0.key < $1.key }.map(\.value)
  }

  /// I(v; z_d) as the mean of log q(z_d|v) − log q(z_d) over samples of q(z), v being the value of their data points.
  private static func sampledInformation(
    _ posterior: IntegratedPosterior, latent: Int, _ groups: [[Int]], _ label: FactorLabels, codes: [Float],
    indices: [Int]
  ) -> Information {
    let table = posterior.posterior.columns([latent]), d = posterior.latents, device = posterior.device
    let column = indices.indices.map { codes[$0 * d + latent] }
    var values = AggregatePosterior(table, on: device).logDensities(of: column, marginals: false).joint.map { -$0 }
    let samples = Dictionary(grouping: indices.indices) { label.values[indices[$0]] }
    for group in groups {
      guard let own = samples[label.values[group[0]]] else { continue }
      let densities = AggregatePosterior(table.rows(group), on: device).logDensities(
        of: own.map { column[$0] }, marginals: false
      ).joint
      for (s, density) in zip(own, densities) { values[s] += density }
    }
    return Information(meanOf: values)
  }

  private enum CodingKeys: String, CodingKey {
    case units, latents, samples, factors
    case dataPoints = "data_points"
    case gap = "mutual_information_gap"
    case gapStandardError = "mutual_information_gap_standard_error"
    case gapWithoutCategorical = "mutual_information_gap_without_shape"
    case gapWithoutCategoricalStandardError = "mutual_information_gap_without_shape_standard_error"
  }
}

/// A number that is exact or a mean over samples of q(z), which are the same for all such numbers: differences and means
/// of several are taken sample by sample, so that what they have in common cancels.
private struct Information {
  let value: Double
  /// The deviation from ``value`` at each sample; nil for an exact number.
  let deviations: [Double]?

  private init(value: Double, deviations: [Double]?) { (self.value, self.deviations) = (value, deviations) }

  /// A number that needs no samples.
  init(exact value: Double) { self.init(value: value, deviations: nil) }

  /// The mean of a number for each sample.
  init(meanOf values: [Double]) {
    let mean = values.reduce(0, +) / Double(values.count)
    self.init(value: mean, deviations: values.map { $0 - mean })
  }

  /// The number with its standard error.
  var estimate: Estimate {
    Estimate(value: value, standardError: deviations.map { Estimate(meanOf: $0).standardError } ?? 0)
  }

  /// a·x + b·y of the deviations of two numbers.
  private static func combined(_ x: [Double]?, _ a: Double, _ y: [Double]?, _ b: Double) -> [Double]? {
    switch (x, y) {
    case (let x?, let y?): zip(x, y).map { a * $0 + b * $1 }
    case (let x?, nil): x.map { a * $0 }
    case (nil, let y?): y.map { b * $0 }
    case (nil, nil): nil
    }
  }

  /// (max(best, 0) − max(second, 0))/H(v). A negative estimate is taken as 0, but is as uncertain as before.
  static func gap(_ best: Information, _ second: Information?, entropy: Double) -> Information {
    Information(
      value: (max(best.value, 0) - max(second?.value ?? 0, 0)) / entropy,
      deviations: combined(best.deviations, 1 / entropy, second?.deviations, -1 / entropy))
  }

  /// The mean; nil of nothing.
  static func mean(_ all: [Information]) -> Information? {
    guard !all.isEmpty else { return nil }
    let count = Double(all.count)
    return Information(
      value: all.reduce(0) { $0 + $1.value } / count,
      deviations: all.reduce([Double]?.none) { combined($0, 1, $1.deviations, 1 / count) })
  }
}
