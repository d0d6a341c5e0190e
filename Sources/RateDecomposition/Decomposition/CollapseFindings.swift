import Foundation

/// Posterior collapse and redundancy of a code, as data and in words.
///
/// From Σ_d I(x; z_d) = I(x; z) + TC(z) follows that the share TC / Σ_d I(x; z_d) of the information in single latents is
/// redundant. It is 0 for independent latents, and 1 − 1/D if all D carry the same information.
public struct CollapseFindings: Sendable, Equatable, Codable {
  /// How redundant the latents are.
  public enum Dependence: String, Sendable, Codable {
    /// No latent is active.
    case collapsed
    /// A single latent is active.
    case single
    /// Less than 5 % of the information is redundant.
    case factorised
    /// 5 % to 50 % is redundant.
    case partlyEntangled = "partly_entangled"
    /// 50 % or more is redundant.
    case entangled
  }

  /// The number of latents with Var_x(μ_d) ≥ 0.01 (Burda et al. 2016, arXiv:1509.00519, §C), or of deterministic codes
  /// with H(z_d) ≥ 0.01 nats.
  public var activeUnits: Int
  /// D.
  public var latents: Int
  /// Inactive latents whose KL is at most 0.1 nats: they equal the prior whatever the image. Of deterministic codes all
  /// inactive ones.
  public var collapsed: [Int]
  /// Inactive latents whose KL is above 0.1 nats: off the prior, yet the same for every image.
  public var idle: [Int]
  /// Whether no latent is active.
  public var isWholePosteriorCollapsed: Bool
  /// TC / Σ_d I(x; z_d), between 0 and 1 up to its standard error; nil where the latents carry less than 0.01 nats.
  public var redundancy: Estimate?
  /// ``redundancy`` in a word.
  public var dependence: Dependence
  /// The share of a latent's information about factors that is about its main factor, averaged over the active latents
  /// in proportion to that information: 1 if each latent encodes one factor only; nil where no factors are known, or
  /// the latents carry less than 0.01 nats about them.
  public var alignment: Double?
  /// All of this in sentences.
  public var sentences: [String]

  /// Derives the findings from a decomposition, and from the information about factors where they are known.
  public init(_ decomposition: RateDecomposition, factors: FactorInformation? = nil) {
    activeUnits = decomposition.activeUnits
    latents = decomposition.latents
    let kl = decomposition.klPerDimension
    let inactive = kl.indices.filter { !decomposition.isActive($0) }
    let isDiscrete = decomposition.estimator == .counting
    collapsed = inactive.filter { isDiscrete || kl[$0] <= Self.idleKL }
    idle = inactive.filter { !isDiscrete && kl[$0] > Self.idleKL }
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
    alignment = factors.flatMap { Self.alignment($0, active: kl.indices.filter(decomposition.isActive)) }
    sentences = []
    sentences = [
      collapseInWords(decomposition.activityRule, isDiscrete: isDiscrete), Self.inWords(idle), dependenceInWords,
      alignmentInWords,
    ].compactMap { $0 }
  }

  /// The KL above which an inactive latent is not at the prior, in nats.
  static let idleKL = 0.1

  /// Σ_d max_k I(v_k; z_d) / Σ_d Σ_k I(v_k; z_d) over the active latents.
  private static func alignment(_ factors: FactorInformation, active: [Int]) -> Double? {
    var best = 0.0, all = 0.0
    for k in active {
      let informations = factors.factors.map { max($0.mutualInformation[k].value, 0) }
      best += informations.max() ?? 0
      all += informations.reduce(0, +)
    }
    return all < 0.01 ? nil : best / all
  }

  private func collapseInWords(_ rule: String, isDiscrete: Bool) -> String {
    if isWholePosteriorCollapsed { return Self.wholePosterior(rule) }
    let active = "\(activeUnits) of \(latents) \(latents == 1 ? "latent is" : "latents are") active (\(rule))"
    if collapsed.isEmpty { return idle.isEmpty ? active + ": no latent has collapsed." : active + "." }
    return active
      + "; \(collapsed.count == 1 ? "latent" : "latents") \(Self.list(collapsed)) "
      + "\(collapsed.count == 1 ? "has" : "have") collapsed to \(isDiscrete ? "one value" : "the prior")."
  }

  /// About a posterior without active latents.
  static func wholePosterior(_ rule: String) -> String {
    "The whole posterior has collapsed: no latent's mean varies with the data "
      + "(\(rule.replacing("≥", with: "<"))), so the codes carry next to no information about the images."
  }

  /// A sentence about inactive latents that differ from the prior; nil if there are none.
  static func inWords(_ idle: [Int]) -> String? {
    guard !idle.isEmpty else { return nil }
    let one = idle.count == 1
    return "\(one ? "Latent" : "Latents") \(list(idle)) \(one ? "is" : "are") inactive, yet \(one ? "its" : "their") "
      + "KL is above 0.1 nats: \(one ? "it adds" : "they add") to the rate and \(one ? "carries" : "carry") no "
      + "information."
  }

  private var dependenceInWords: String? {
    let percent = String(format: "%.0f %%", 100 * max(0, redundancy?.value ?? 0))
    switch dependence {
    case .collapsed: return nil
    case .single: return "A single latent is active, so no latents can be entangled."
    case .factorised:
      return
        "The latents are factorised: \(percent) of the information in single latents is redundant (TC ÷ Σ I(x; z_d), "
        + "below 5 %)."
    case .partlyEntangled:
      return "The latents are partly entangled: \(percent) of the information in single latents is redundant "
        + "(TC ÷ Σ I(x; z_d))."
    case .entangled:
      return
        "The latents are entangled: \(percent) of the information in single latents is redundant (TC ÷ Σ I(x; z_d))."
    }
  }

  private var alignmentInWords: String? {
    guard let alignment, !isWholePosteriorCollapsed else { return nil }
    let percent = String(format: "%.0f %%", 100 * alignment)
    let judgement =
      alignment >= 0.9
      ? "each active latent encodes mainly one factor"
      : alignment >= 0.6
        ? "each active latent has a main factor and encodes others too" : "active latents mix factors"
    return
      "Alignment with the factors: \(judgement); \(percent) of a latent's information about factors is about its main "
      + "factor."
  }

  static func list(_ indices: [Int]) -> String { indices.map(String.init).joined(separator: ", ") }

  private enum CodingKeys: String, CodingKey {
    case latents, collapsed, idle, redundancy, dependence, alignment, sentences
    case activeUnits = "active_units"
    case isWholePosteriorCollapsed = "whole_posterior_collapsed"
  }
}
