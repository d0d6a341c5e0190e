import Diagnostics
import Foundation
import StrictConfiguration

/// What a study trains and measures: every combination of the values of its axes, for each variant and seed.
///
/// ```yaml
/// name: strengths
/// configuration: configs/beta-vae.yaml
/// set: [training.steps=4000]
/// variants:
///   - name: beta-vae
///     axes: [{key: objective.beta, values: [1, 4, 16]}]
///   - name: factor-vae
///     set: ["objective={name: factor-vae}"]
///     axes: [{key: objective.gamma, log_range: {from: 1, to: 100, count: 3}}]
/// seeds: {from: 1, count: 4}
/// measure: {metrics: {preset: fast, metrics: [mig, dci]}}
/// keep: posteriors
/// ```
public struct StudyConfiguration: StrictlyDecodable, Sendable {
  /// Runs that differ from those of other variants by more than a value: most often another objective.
  public struct Variant: Sendable {
    /// What it is called; one part of a path.
    public var name: String
    /// Its configuration, if it is not the study's.
    public var configuration: String?
    /// Overrides after those of the study.
    public var overrides: [String]
    /// Axes of its own: its strengths.
    public var axes: [StudyAxis]
  }

  /// Which files of a finished run are kept; what a report needs is always kept.
  public enum Keep: String, CaseIterable, Sendable {
    /// The weights, from which everything can be measured again.
    case weights
    /// The weights, and the posteriors of all images, so that nothing need be encoded again.
    case posteriors
    /// Neither: the results alone.
    case nothing
  }

  /// What is measured at the end of each run, besides the exact decomposition of the rate.
  public struct Measurement: Sendable {
    /// The section of metrics as `evaluate --config` reads it, as one-line YAML; nil for no metrics.
    public var metrics: String?
    /// log p(x) by importance sampling, on so many images with so many codes each; nil for none.
    public var likelihood: (images: Int, samples: Int)?
  }

  /// What the study is called: one part of a path.
  public var name: String
  /// The configuration of all variants that have none of their own.
  public var configuration: String?
  /// Overrides for all runs.
  public var overrides: [String]
  /// Axes of all runs: data sets, architectures, lengths.
  public var axes: [StudyAxis]
  /// At least one.
  public var variants: [Variant]
  /// At least one.
  public var seeds: [Int]
  /// Combinations that are left out: a run that has all values of one of them.
  public var exclude: [[(path: String, value: String)]]
  /// What is measured.
  public var measure: Measurement
  /// What is kept.
  public var keep: Keep
  /// Core hours of training and measuring after which no further run is begun; nil for no limit.
  public var coreHours: Double?
  /// Threads of each run. Part of the study, because results are the same bits only with the same number.
  public var threads: Int

  /// Reads the whole study.
  ///
  /// - Throws: `StructuredError` for whatever is not understood.
  public init(from section: inout ConfigurationSection) throws {
    name = try section.fileName("name", default: "study")
    let configuration = try section.optional("configuration") { try $0.string($1) }
    self.configuration = configuration
    overrides = try section.strings("set", default: [])
    axes = try section.sections("axes") { try StudyAxis(from: &$0) }
    let common = axes.map(\.key)
    variants = try section.sections("variants") { inner in
      let own = try inner.optional("configuration") { try $0.string($1) }
      guard own != nil || configuration != nil else {
        throw inner.missing("configuration", expected: "a configuration, here or for the whole study")
      }
      let variant = Variant(
        name: try inner.fileName("name"), configuration: own, overrides: try inner.strings("set", default: []),
        axes: try inner.sections("axes") { try StudyAxis(from: &$0) })
      if let twice = (common + variant.axes.map(\.key)).firstRepeated {
        throw inner.error("vary \(twice) twice", at: "axes", expected: "each key once")
      }
      return variant
    }
    if let twice = variants.map(\.name).firstRepeated {
      throw section.error("has the name \(twice) twice", at: "variants")
    }
    if variants.isEmpty {
      guard configuration != nil else {
        throw section.missing("configuration", expected: "the configuration of the runs, or variants that have one")
      }
      if let twice = common.firstRepeated { throw section.error("vary \(twice) twice", at: "axes") }
      variants = [Variant(name: name, configuration: nil, overrides: [], axes: axes)]
      axes = []
    }
    seeds = try Self.seeds(from: &section)
    exclude = try section.sections("exclude") { inner in
      let values = inner.assignments()
      guard !values.isEmpty else {
        throw StructuredError(
          "\(inner.path) is empty", at: "\(inner.location)", expected: "keys of a configuration with values")
      }
      return values
    }
    measure = try section.section("measure") { inner in
      Measurement(
        metrics: inner.contains("metrics")
          ? try inner.section("metrics", inline: true) { metrics in
            "{\(metrics.assignments().map { "\($0.path): \($0.value)" }.joined(separator: ", "))}"
          } : nil,
        likelihood: inner.contains("likelihood")
          ? try inner.section("likelihood", inline: true) { likelihood in
            (
              try likelihood.integer("images", default: 64, in: .within(1...1_000_000)),
              try likelihood.integer("samples", default: 1_000, in: .within(2...1_000_000))
            )
          } : nil)
    }
    keep = try section.choice("keep", default: .weights)
    coreHours =
      section.contains("budget")
      ? try section.section("budget", inline: true) { try $0.number("core_hours", in: .moreThan(0)) } : nil
    threads = try section.integer("threads", default: 1, in: .within(1...1024))
  }

  /// Reads `seeds`: a list, or `{from: 1, count: 50}`.
  private static func seeds(from section: inout ConfigurationSection) throws -> [Int] {
    guard section.isMapping("seeds") else {
      let seeds = try section.integers("seeds", default: [0], in: .atLeast(0), count: .atLeast(1))
      if let twice = seeds.firstRepeated { throw section.error("has \(twice) twice", at: "seeds") }
      return seeds
    }
    return try section.section("seeds", inline: true) { inner in
      let from = try inner.integer("from", default: 0, in: .within(0...1_000_000_000))
      return Array(from..<from + (try inner.integer("count", in: .within(1...1_000_000))))
    }
  }
}
