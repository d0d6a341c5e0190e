import Diagnostics
import Experiment
import FileFormats
import Foundation
import StrictConfiguration

/// One run of a study.
public struct PlannedRun: Sendable {
  /// One value of an axis.
  public struct Setting: Sendable, Equatable, Codable {
    /// The dotted path of the key.
    public var key: String
    /// The value, as YAML on one line.
    public var value: String
  }

  /// 16 hexadecimal digits that name the run's folder; see ``StudyPlan``.
  public var digest: String
  /// The name of its variant.
  public var variant: String
  /// Its values on the variant's own axes: its strength.
  public var strength: [Setting]
  /// Its values on the axes of all runs.
  public var common: [Setting]
  /// Its seed.
  public var seed: Int
  /// The position of its variant in the study.
  var variantIndex: Int

  /// "beta 4": the values on the variant's own axes; empty if it has none.
  public var strengthLabel: String { Self.label(strength) }

  /// "dataset shapes3d": the values on the axes of all runs; empty if there are none.
  public var commonLabel: String { Self.label(common) }

  /// "beta-vae, beta 4, seed 1".
  public var label: String {
    [variant, strengthLabel, commonLabel, "seed \(seed)"].filter { !$0.isEmpty }.joined(separator: ", ")
  }

  /// The name of a mapping that has one: "shapes3d" of `{name: shapes3d, path: …}`; any other value itself.
  private static func shown(_ value: String) -> String {
    guard value.hasPrefix("{name: ") else { return value }
    return String(value.dropFirst(7).prefix { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" })
  }

  private static func label(_ settings: [Setting]) -> String {
    settings.map { setting in
      let parts = setting.key.split(separator: ".").map(String.init)
      guard let last = parts.last else { return setting.value }
      // "name" alone says nothing: it is the data set's, or the objective's. So does "to" of a schedule.
      let name = last == "name" || last == "to" ? parts.dropLast().last ?? last : last
      return "\(name.replacingOccurrences(of: "_", with: " ")) \(shown(setting.value))"
    }.joined(separator: ", ")
  }
}

/// All runs of a study, in the order in which they are trained: for each combination of the axes of all runs, for each seed,
/// every variant with each of its strengths, so that what is there after half of the time covers everything with half of
/// the seeds.
///
/// A run is known by a digest of everything that decides its result: its resolved configuration without what it is called
/// and how often it logs, and the number of threads.
public struct StudyPlan: Sendable {
  /// The study.
  public let study: StudyConfiguration
  /// The study with every default, as YAML.
  public let yaml: String
  /// The runs.
  public let runs: [PlannedRun]
  /// How many combinations were left out.
  public let excluded: Int
  /// The configurations of the variants, with all overrides but those of a run.
  private let bases: [ConfigurationDocument]

  /// Resolves every run.
  ///
  /// - Parameters:
  ///   - document: the study.
  ///   - components: what the configurations of its runs can name.
  /// - Throws: `StructuredError` for whatever is not understood in the study or the configuration of a run, for
  ///   exclusions that leave out nothing, or two runs of one configuration.
  public init(_ document: ConfigurationDocument, components: Components) throws {
    let resolved = try document.decode(StudyConfiguration.self), study = resolved.value
    (self.study, yaml) = (study, resolved.yaml)
    let bases = try study.variants.map { variant in
      try ConfigurationDocument(
        path: variant.configuration ?? study.configuration ?? "", overrides: study.overrides + variant.overrides)
    }
    self.bases = bases
    var requests: [(variant: Int, common: [PlannedRun.Setting], strength: [PlannedRun.Setting], seed: Int)] = []
    for common in Self.combinations(study.axes) {
      for seed in study.seeds {
        for (index, variant) in study.variants.enumerated() {
          for strength in Self.combinations(variant.axes) { requests.append((index, common, strength, seed)) }
        }
      }
    }
    guard requests.count <= 1_000_000 else {
      throw StructuredError("the study has \(Format.grouped(requests.count)) runs", expected: "at most 1,000,000")
    }
    let exclusions = try study.exclude.enumerated().map { try Exclusion($1, number: $0, in: document) }
    let planned = try ParallelMap.map(requests) { request -> (run: PlannedRun, excluded: Set<Int>) in
      var run = PlannedRun(
        digest: "", variant: study.variants[request.variant].name, strength: request.strength, common: request.common,
        seed: request.seed, variantIndex: request.variant)
      let values = try Self.document(of: run, bases, study.name).experimentValues(components)
      run.digest = Self.digest(values, threads: study.threads)
      return (run, Set(exclusions.indices.filter { exclusions[$0].matches(values) }))
    }
    let used = planned.reduce(into: Set<Int>()) { $0.formUnion($1.excluded) }
    if let unused = exclusions.indices.first(where: { !used.contains($0) }) {
      throw StructuredError(
        "exclude[\(unused)] leaves out no run", at: "\(document.location(of: "exclude"))",
        expected: "values that a run of the study has, as resolved by disentangle config")
    }
    runs = planned.filter(\.excluded.isEmpty).map(\.run)
    excluded = planned.count - runs.count
    if runs.isEmpty { throw StructuredError("no run is left", at: "\(document.location(of: "exclude"))") }
    if let twice = runs.map(\.digest).firstRepeated {
      let both = runs.filter { $0.digest == twice }
      throw StructuredError(
        "two runs have one configuration: \(both[0].label), and \(both[1].label)",
        at: "\(document.location(of: "axes"))",
        expected: "runs that differ in more than their names")
    }
  }

  /// The configuration of a run.
  public func configuration(of run: PlannedRun) throws -> ConfigurationDocument {
    try Self.document(of: run, bases, study.name)
  }

  private static func document(
    of run: PlannedRun, _ bases: [ConfigurationDocument], _ name: String
  ) throws -> ConfigurationDocument {
    let settings = (run.common + run.strength).map { "\($0.key)=\($0.value)" }
    return try bases[run.variantIndex].overriding(settings + ["seed=\(run.seed)", "name=\(name)"])
  }

  private static func combinations(_ axes: [StudyAxis]) -> [[PlannedRun.Setting]] {
    axes.reduce([[]]) { combinations, axis in
      combinations.flatMap { head in axis.values.map { head + [PlannedRun.Setting(key: axis.key, value: $0)] } }
    }
  }

  /// Values that every run of a combination has.
  private struct Exclusion: Sendable {
    let values: [(path: String, value: String)]

    init(_ assignments: [(path: String, value: String)], number: Int, in document: ConfigurationDocument) throws {
      // Read as a configuration, so that both sides are compared in the same form.
      values = try ConfigurationDocument(
        yaml: "{}", source: "exclude[\(number)]", overrides: assignments.map { "\($0.path)=\($0.value)" }
      ).values
    }

    func matches(_ run: [(path: String, value: String)]) -> Bool {
      values.allSatisfy { value in
        run.contains { $0.path == value.path && Self.isSame($0.value, value.value) }
      }
    }

    private static func isSame(_ a: String, _ b: String) -> Bool {
      if a == b { return true }
      guard let a = Double(a), let b = Double(b) else { return false }
      return a == b
    }
  }

  /// Keys that change no bit of the trained model.
  private static let ignored: Set<String> = [
    "name", "dataset.memory", "training.checkpoint_every", "training.log_every", "training.decompose_every",
    "training.decompose_images", "training.tensorboard",
  ]

  /// 64 bits of the run's values, as 16 hexadecimal digits. Two runs of a study with one digest are found when it is
  /// planned; a folder of another configuration is refused.
  static func digest(_ values: [(path: String, value: String)], threads: Int) -> String {
    let lines = values.filter { !ignored.contains($0.path) }.map { "\($0.path)=\($0.value)\n" }.sorted()
    let text = lines.joined() + "threads=\(threads)\n"
    let hash = Checksum.fnv1a64(text.utf8)
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
