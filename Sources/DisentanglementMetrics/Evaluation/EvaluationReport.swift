import Diagnostics
import Foundation
import StrictConfiguration
import TensorCore

/// The metrics of one run or of several, with what compares them, ready to be shown.
///
/// As JSON a single run is
///
///     {"preset": …, "seed": …, "data_points": N, "latents": D, "factors": [{"name": …, "size": …}],
///      "representation": …, "notes": […],
///      "metrics": {NAME: {"scores": {SCORE: {"value", "standard_error", "repeats", "unit", "undefined"}},
///                         "parts": {PART: {"axes", "shape", "values", "unit"}}, "notes": […], "settings": {…}}}}
///
/// where each of a score's five keys is always there, null where it does not apply: either `value` or `undefined`, a
/// sentence; `repeats` where the standard error is of that few values. Several are `{"runs": [{"name": …, as above}], "comparison": {"metrics": …}}`. As CSV each score is a row
/// `metric,score,value,standard_error,repeats,unit,undefined`, with several runs led by `run`, empty for comparisons.
public struct EvaluationReport: Sendable {
  /// The runs with what they are called.
  public let runs: [(name: String, evaluation: Evaluation)]
  /// What compares the runs.
  public let comparison: [Evaluation.Entry]

  /// Evaluates runs and compares them where there are several.
  ///
  /// - Parameters:
  ///   - inputs: what each run is called, and its codes.
  ///   - configuration: which metrics, and how.
  ///   - finished: called after each metric with what it was, of which run, and how long it took.
  /// - Throws: `StructuredError` if an input lacks what cannot be done without, or the runs cannot be compared.
  public init(
    _ inputs: [(name: String, input: MetricInput)], _ configuration: ResolvedConfiguration<EvaluationConfiguration>,
    finished: (_ metric: String, _ run: String?, _ time: Duration) -> Void = { _, _, _ in }
  ) throws {
    runs = try inputs.map { name, input in
      let evaluation = try Evaluation(configuration, of: input, runs: inputs.count) { finished($0, name, $1) }
      return (name, evaluation)
    }
    guard inputs.count > 1 else {
      comparison = []
      return
    }
    let settings = configuration.value, root = RandomStream(seed: UInt64(settings.seed))
    let written = try ConfigurationDocument(yaml: configuration.yaml, source: "the configuration")
    comparison = try settings.chosen(runs: inputs.count).compactMap { chosen in
      guard let metric = chosen.settings.metric() as? any MultiRunMetric else { return nil }
      let stream = root.split(chosen.entry.name)
      return try Evaluation.Entry(chosen.entry.name, written, { finished($0, nil, $1) }) {
        let represented = try inputs.map {
          try $0.input.representing(settings.representation, stream: root.split("representation"))
        }
        return try metric.compare(represented, labels: inputs.map(\.name), stream: stream)
      }
    }
  }

  /// The findings as JSON, with sorted keys.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let data =
      try runs.count == 1
      ? encoder.encode(EvaluationForm(runs[0].evaluation))
      : encoder.encode(
        ReportForm(
          runs: runs.map { EvaluationForm($0.evaluation, name: $0.name) },
          comparison: ComparisonForm(metrics: MetricForm.all(comparison))))
    return String(decoding: data, as: UTF8.self)
  }

  /// The scores as CSV, with a header.
  public func csv() -> String {
    let several = runs.count > 1
    var lines = [(several ? "run," : "") + "metric,score,value,standard_error,repeats,unit,undefined"]
    func add(_ run: String, _ entries: [Evaluation.Entry]) {
      for entry in entries {
        for score in entry.result.scores {
          let cells = [
            entry.name.csvCell(), score.name.csvCell(), score.value.map { "\($0)" } ?? "",
            score.standardError.map { "\($0)" } ?? "", score.repeats.map { "\($0)" } ?? "",
            (score.unit ?? "").csvCell(), (score.undefined ?? "").csvCell(),
          ]
          lines.append(((several ? [run.csvCell()] : []) + cells).joined(separator: ","))
        }
      }
    }
    for run in runs { add(run.name, run.evaluation.metrics) }
    add("", comparison)
    return lines.joined(separator: "\n")
  }

  /// The findings as tables for people: of several runs the scores side by side, then what compares them.
  ///
  /// - Parameters:
  ///   - style: for a terminal, or Markdown.
  ///   - parts: whether the numbers behind the scores are shown, too.
  public func text(_ style: TextTable.Style = .terminal, parts: Bool = false) -> String {
    func described(_ evaluation: Evaluation) -> String {
      "preset \(evaluation.preset.rawValue), seed \(evaluation.seed), "
        + "\(Format.grouped(evaluation.dataPoints)) data points, \(evaluation.latents) latents"
        + (evaluation.representation == .sample ? ", sampled codes" : "")
        + evaluation.notes.map { ". \($0)" }.joined()
    }
    let descriptions = runs.map { described($0.evaluation) }, factors = runs[0].evaluation.factors.map(\.name)
    guard runs.count > 1 else {
      return EvaluationTable(
        runs[0].evaluation.metrics, title: "\(runs[0].name): \(descriptions[0])", factors: factors, parts: parts,
        style: style
      ).blocks.joined(separator: "\n\n")
    }
    let title =
      Set(descriptions).count == 1
      ? descriptions[0] : zip(runs, descriptions).map { "\($0.name): \($1)" }.joined(separator: "; ")
    var blocks = EvaluationTable(
      sideBySide: runs.map { ($0.name, $0.evaluation.metrics) }, title: title + "; ± is one standard error",
      factors: factors, parts: parts,
      style: style
    ).blocks
    if !comparison.isEmpty {
      blocks += EvaluationTable(comparison, title: "Between runs", factors: [], parts: parts, style: style).blocks
    }
    return blocks.joined(separator: "\n\n")
  }
}

// MARK: The forms of the JSON

private struct ReportForm: Encodable {
  let runs: [EvaluationForm]
  let comparison: ComparisonForm
}

private struct ComparisonForm: Encodable {
  let metrics: [String: MetricForm]
}

private struct EvaluationForm: Encodable {
  struct Factor: Encodable {
    let name: String
    let size: Int
  }

  let name: String?
  let preset: String
  let seed: Int
  let dataPoints: Int
  let latents: Int
  let factors: [Factor]
  let representation: String
  let notes: [String]
  let metrics: [String: MetricForm]

  init(_ evaluation: Evaluation, name: String? = nil) {
    self.name = name
    preset = evaluation.preset.rawValue
    seed = evaluation.seed
    dataPoints = evaluation.dataPoints
    latents = evaluation.latents
    factors = evaluation.factors.map { Factor(name: $0.name, size: $0.size) }
    representation = evaluation.representation.rawValue
    notes = evaluation.notes
    metrics = MetricForm.all(evaluation.metrics)
  }

  private enum CodingKeys: String, CodingKey {
    case name, preset, seed, latents, factors, representation, notes, metrics
    case dataPoints = "data_points"
  }
}

private struct MetricForm: Encodable {
  struct Score: Encodable {
    let score: MetricScore

    private enum CodingKeys: String, CodingKey {
      case value, repeats, unit, undefined
      case standardError = "standard_error"
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(score.value, forKey: .value)
      try container.encode(score.standardError, forKey: .standardError)
      try container.encode(score.repeats, forKey: .repeats)
      try container.encode(score.unit, forKey: .unit)
      try container.encode(score.undefined, forKey: .undefined)
    }
  }

  struct Part: Encodable {
    let part: MetricPart

    private enum CodingKeys: String, CodingKey { case axes, shape, values, unit }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(part.axes, forKey: .axes)
      try container.encode(part.shape, forKey: .shape)
      try container.encode(part.values, forKey: .values)
      try container.encode(part.unit, forKey: .unit)
    }
  }

  let scores: [String: Score]
  let parts: [String: Part]
  let notes: [String]
  let settings: [String: SettingValue]

  static func all(_ entries: [Evaluation.Entry]) -> [String: MetricForm] {
    Dictionary(
      uniqueKeysWithValues: entries.map { entry in
        (
          entry.name,
          MetricForm(
            scores: Dictionary(uniqueKeysWithValues: entry.result.scores.map { ($0.name, Score(score: $0)) }),
            parts: Dictionary(uniqueKeysWithValues: entry.result.parts.map { ($0.name, Part(part: $0)) }),
            notes: entry.result.notes, settings: entry.settings)
        )
      })
  }
}
