import Foundation

/// Whether a code has collapsed, and how its latents share what they tell, as data and in words.
///
/// From Σ_d I(x; z_d) = I(x; z) + TC(z) follows that the share TC / Σ_d I(x; z_d) of what the latents tell one by one is
/// told more than once. It is 0 for independent latents, and 1 − 1/D if all D tell the same.
public struct CollapseFindings: Sendable, Equatable, Codable {
  /// How much the latents repeat each other.
  public enum Dependence: String, Sendable, Codable {
    /// No latent is active: there is nothing to share.
    case collapsed
    /// A single active latent has nothing to repeat.
    case single
    /// Less than 5 % is told more than once.
    case factorised
    /// Between 5 % and 50 %.
    case partlyEntangled = "partly_entangled"
    /// 50 % or more.
    case entangled
  }

  /// The number of latents with Var_x(μ_d) ≥ 0.01 (Burda et al. 2016, arXiv:1509.00519, §C).
  public var activeUnits: Int
  /// D.
  public var latents: Int
  /// Inactive latents whose KL is at most 0.1 nats: they equal the prior whatever the image.
  public var collapsed: [Int]
  /// Inactive latents whose KL is above 0.1 nats: off the prior, yet the same for every image.
  public var idle: [Int]
  /// Whether no latent is active.
  public var isWholePosteriorCollapsed: Bool
  /// TC / Σ_d I(x; z_d), between 0 and 1 up to its standard error; nil where the latents tell less than 0.01 nats.
  public var redundancy: Estimate?
  /// What ``redundancy`` amounts to.
  public var dependence: Dependence
  /// The share of what a latent tells about the factors that it tells about its main factor, averaged over the active
  /// latents in proportion to what they tell: 1 if each tells of one factor only; nil where no factors are known or
  /// nothing is told.
  public var alignment: Double?
  /// All of this in sentences.
  public var sentences: [String]

  /// Judges a code by its decomposition, and by what it says about the factors where they are known.
  public init(_ decomposition: RateDecomposition, factors: FactorInformation? = nil) {
    activeUnits = decomposition.activeUnits
    latents = decomposition.latents
    let kl = decomposition.klPerDimension
    let inactive = kl.indices.filter { decomposition.meanVariances[$0] < PosteriorStatistics.activeVariance }
    collapsed = inactive.filter { kl[$0] <= Self.idleKL }
    idle = inactive.filter { kl[$0] > Self.idleKL }
    isWholePosteriorCollapsed = activeUnits == 0
    // Σ_d I(x; z_d), exact wherever marginals are integrated.
    let total = decomposition.mutualInformation.value + decomposition.totalCorrelation.value
    if total >= 0.01 {
      redundancy = Estimate(
        value: decomposition.totalCorrelation.value / total,
        standardError: decomposition.totalCorrelation.standardError.map { $0 / total })
    }
    switch (activeUnits, redundancy?.value ?? 0) {
    case (0, _): dependence = .collapsed
    case (1, _): dependence = .single
    case (_, ..<0.05): dependence = .factorised
    case (_, ..<0.5): dependence = .partlyEntangled
    default: dependence = .entangled
    }
    alignment = factors.flatMap { Self.alignment($0, meanVariances: decomposition.meanVariances) }
    sentences = []
    sentences = [
      collapseInWords, Self.inWords(idle), dependenceInWords, alignmentInWords,
    ].compactMap { $0 }
  }

  /// The KL above which an inactive latent is not at the prior, in nats.
  static let idleKL = 0.1

  /// Σ_d max_k I(v_k; z_d) / Σ_d Σ_k I(v_k; z_d) over the active latents.
  private static func alignment(_ factors: FactorInformation, meanVariances: [Double]) -> Double? {
    var best = 0.0, all = 0.0
    for k in meanVariances.indices where meanVariances[k] >= PosteriorStatistics.activeVariance {
      let informations = factors.factors.map { max($0.mutualInformation[k].value, 0) }
      best += informations.max() ?? 0
      all += informations.reduce(0, +)
    }
    return all < 0.01 ? nil : best / all
  }

  private var collapseInWords: String {
    if isWholePosteriorCollapsed {
      return Self.wholePosterior
    }
    let active = "\(activeUnits) of \(latents) \(latents == 1 ? "latent is" : "latents are") active (Var(μ) ≥ 0.01)"
    if collapsed.isEmpty { return idle.isEmpty ? active + ": no latent has collapsed." : active + "." }
    return active
      + "; \(collapsed.count == 1 ? "latent" : "latents") \(Self.list(collapsed)) "
      + "\(collapsed.count == 1 ? "has" : "have") collapsed to the prior."
  }

  /// About a posterior without active latents.
  static let wholePosterior =
    "The whole posterior has collapsed: no latent's mean varies with the data (Var(μ) < 0.01), so the codes tell next "
    + "to nothing about the images."

  /// About latents that pay rate and tell nothing; nil if there are none.
  static func inWords(_ idle: [Int]) -> String? {
    guard !idle.isEmpty else { return nil }
    let one = idle.count == 1
    return "\(one ? "Latent" : "Latents") \(list(idle)) \(one ? "is" : "are") inactive, yet \(one ? "its" : "their") "
      + "KL is above 0.1 nats: \(one ? "it pays" : "they pay") rate for being off the prior and "
      + "\(one ? "carries" : "carry") no information."
  }

  private var dependenceInWords: String? {
    let percent = String(format: "%.0f %%", 100 * max(0, redundancy?.value ?? 0))
    switch dependence {
    case .collapsed: return nil
    case .single: return "With a single active latent there is nothing to be entangled."
    case .factorised:
      return "The latents are factorised: of what they tell one by one, \(percent) is told more than once "
        + "(TC ÷ Σ I(x; z_d) below 5 %)."
    case .partlyEntangled:
      return "The latents are partly entangled: of what they tell one by one, \(percent) is told more than once."
    case .entangled:
      return "The latents are entangled: of what they tell one by one, \(percent) is told more than once."
    }
  }

  private var alignmentInWords: String? {
    guard let alignment, !isWholePosteriorCollapsed else { return nil }
    let percent = String(format: "%.0f %%", 100 * alignment)
    let judgement =
      alignment >= 0.9
      ? "each active latent tells of one factor almost alone"
      : alignment >= 0.6
        ? "active latents have a main factor each, and tell of others too" : "active latents mix factors"
    return "As to the factors, \(judgement): \(percent) of what a latent tells about factors concerns its main one."
  }

  static func list(_ indices: [Int]) -> String { indices.map(String.init).joined(separator: ", ") }

  private enum CodingKeys: String, CodingKey {
    case latents, collapsed, idle, redundancy, dependence, alignment, sentences
    case activeUnits = "active_units"
    case isWholePosteriorCollapsed = "whole_posterior_collapsed"
  }
}
