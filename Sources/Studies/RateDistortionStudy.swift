import Diagnostics
import Foundation
import StrictConfiguration

/// What to draw in the rate–distortion plane: runs to be trained over the values of one setting, runs that are there
/// already, or both.
///
/// ```yaml
/// name: beta
/// configuration: configs/beta-vae.yaml
/// set: [training.steps=6000]
/// vary: {key: objective.beta, values: [0.5, 1, 2, 4, 8]}
/// seeds: [1, 2]
/// runs: [runs/another]
/// ```
public struct RateDistortionStudy: StrictlyDecodable, Sendable {
  /// The runs to train.
  public struct Sweep: Sendable {
    /// The configuration of all of them.
    public var configuration: String
    /// Overrides for all of them.
    public var overrides: [String]
    /// The key that is varied, as `objective.beta`.
    public var key: String
    /// Its values.
    public var values: [Double]
    /// The seeds for each value; empty for the configuration's own.
    public var seeds: [Int]

    /// One run to be trained.
    public struct Plan: Sendable {
      /// What it is called in the figure: "beta 4".
      public var label: String
      /// The name of its folder: "beta-4-seed-1".
      public var folder: String
      /// Its overrides.
      public var overrides: [String]
    }

    /// All runs.
    public var plans: [Plan] {
      let name = key.split(separator: ".").last.map(String.init) ?? key
      return values.flatMap { value in
        (seeds.isEmpty ? [nil] : seeds.map(Optional.some)).map { seed in
          let text = Self.text(value)
          let folder = "\(name)-\(text)" + (seed.map { "-seed-\($0)" } ?? "")
          return Plan(
            label: "\(name) \(text)", folder: folder,
            overrides: overrides + ["\(key)=\(text)", "name=\(folder)"] + (seed.map { ["seed=\($0)"] } ?? []))
        }
      }
    }

    /// The shortest text that reads back as exactly this value, so that no two values have one text; whole numbers are
    /// without a decimal point.
    static func text(_ value: Double) -> String { Int(exactly: value).map { "\($0)" } ?? "\(value)" }
  }

  /// What the study is called.
  public var name: String
  /// The runs to train; nil if there are none.
  public var sweep: Sweep?
  /// The folders of runs that are there already.
  public var runs: [String]

  /// Reads the whole study.
  ///
  /// - Throws: `StructuredError` for whatever is not understood, or if there is neither a sweep nor a run.
  public init(from section: inout ConfigurationSection) throws {
    name = try section.fileName("name", default: "rate-distortion")
    let configuration = try section.optional("configuration") { try $0.string($1) }
    let overrides = try section.strings("set", default: [])
    let seeds = try section.integers("seeds", default: [], in: .atLeast(0))
    let vary = try section.optional("vary") { section, key in
      try section.section(key) { inner in
        let key = try inner.string("key"), values = try inner.numbers("values", count: .atLeast(1))
        // Its last part begins the names of the runs' folders.
        guard let name = key.split(separator: ".").last.map(String.init), FileName.isValid(name), name.utf8.count <= 50
        else { throw inner.error("is no key of a configuration", at: "key", expected: "a key such as objective.beta") }
        if let twice = values.firstRepeated { throw inner.error("has \(Sweep.text(twice)) twice", at: "values") }
        return (key: key, values: values)
      }
    }
    if let twice = seeds.firstRepeated { throw section.error("has \(twice) twice", at: "seeds") }
    runs = try section.strings("runs", default: [])
    switch (configuration, vary) {
    case (let configuration?, let vary?):
      sweep = Sweep(
        configuration: configuration, overrides: overrides, key: vary.key, values: vary.values, seeds: seeds)
    case (nil, nil): break
    case (nil, _?): throw section.error("is missing", at: "configuration", expected: "the configuration to vary")
    case (_?, nil):
      throw section.error(
        "is missing", at: "vary", expected: "a key and its values",
        action: "Add vary: {key: objective.beta, values: [1, 4]}.")
    }
    if sweep == nil, runs.isEmpty {
      throw section.error(
        "is missing", at: "runs", expected: "runs, or a configuration with a key to vary")
    }
  }
}
