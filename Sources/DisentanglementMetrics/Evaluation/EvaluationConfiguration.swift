import Diagnostics
import StrictConfiguration

/// Which code of a data point metrics look at.
public enum Representation: String, Sendable, CaseIterable {
  /// The mean of its posterior.
  case mean
  /// A sample of its posterior.
  case sample
}

/// Which metrics to compute and how, as YAML:
///
///     preset: dlib
///     seed: 0
///     representation: mean
///     metrics: [mig, factor-vae-score]
///     mig: {bins: 30}
///
/// Each metric has a section of its name; what is absent has the preset's value.
public struct EvaluationConfiguration: StrictlyDecodable, Sendable {
  /// A metric with its settings.
  public struct Metric: Sendable {
    /// Its entry in the registry.
    public let entry: MetricEntry
    /// Its settings.
    public let settings: any MetricConfiguration
  }

  /// Whose sizes and thresholds settings begin with.
  public var preset: MetricPreset
  /// Where all random numbers begin; each metric has a stream of its own, so that others do not change its result.
  public var seed: Int
  /// Which code of a data point is looked at.
  public var representation: Representation
  /// The metrics that were named, in that order; nil if none were, which means those computed by default.
  public var named: [String]?
  /// Every metric of the registry with its settings.
  public var all: [Metric]

  /// Reads `preset`, `seed`, `representation`, `metrics` and a section for each metric of this package.
  public init(from section: inout ConfigurationSection) throws { try self.init(from: &section, metrics: .standard) }

  /// Reads `preset`, `seed`, `representation`, `metrics` and a section for each metric of a registry.
  public init(from section: inout ConfigurationSection, metrics registry: Registry<MetricEntry>) throws {
    let preset = try section.choice("preset", default: MetricPreset.dlib)
    self.preset = preset
    seed = try section.integer("seed", default: 0, in: .atLeast(0))
    representation = try section.choice("representation", default: .mean)
    named = try section.optional("metrics") { section, key in
      let names = try section.strings(key, count: .atLeast(1)), known = registry.names
      for (position, name) in names.enumerated() {
        guard known.contains(name) else {
          let guess = nearestName(to: name, among: known).map { "Did you mean \($0)? " } ?? ""
          throw section.error(
            "names '\(name)', which is no metric", at: key,
            action: guess + "`disentangle list metrics` shows all.")
        }
        if names[..<position].contains(name) { throw section.error("names \(name) twice", at: key) }
      }
      return names
    }
    all = try registry.entries.map { entry in
      Metric(
        entry: entry,
        settings: try section.section(entry.name) { try entry.configuration.init(from: &$0, preset: preset) })
    }
  }

  /// The metrics to compute of a number of runs: those that were named, or else those of the default, with the
  /// comparisons where there is more than one run.
  public func chosen(runs: Int) -> [Metric] {
    if let named { return named.compactMap { name in all.first { $0.entry.name == name } } }
    return all.filter { $0.entry.isDefault || (runs > 1 && $0.settings.metric() is any MultiRunMetric) }
  }
}
