import Diagnostics

/// Metrics as tables for people.
struct EvaluationTable {
  /// The tables, in their order.
  let blocks: [String]

  /// Sets the tables of one run, or of what compares several.
  init(
    _ entries: [Evaluation.Entry], title: String, factors: [String], parts: Bool, style: TextTable.Style = .terminal
  ) {
    let rows = entries.flatMap { entry in
      entry.result.scores.enumerated().map { position, score -> [TextTable.Cell] in
        [
          TextTable.Cell(position == 0 ? entry.name : ""), TextTable.Cell(score.name),
          TextTable.Cell(score.value.map(Format.number) ?? "–"),
          TextTable.Cell(score.uncertainty ?? ""), TextTable.Cell(score.unit ?? ""),
        ]
      }
    }
    let table = TextTable(
      title: title, header: ["metric", "score", "value", "± standard error", ""], rows: rows, numeric: [2],
      note: Self.note(entries.flatMap(Self.sentences), style))
    blocks = [table.text(style)] + (parts ? Self.parts(entries, factors, style) : [])
  }

  /// Sets the scores of several runs side by side, a column for each.
  init(
    sideBySide runs: [(name: String, entries: [Evaluation.Entry])], title: String, factors: [String], parts: Bool,
    style: TextTable.Style
  ) {
    // Every run was given the same metrics, so that the first one's scores name the rows.
    let rows = (runs.first?.entries ?? []).enumerated().flatMap { number, entry in
      entry.result.scores.enumerated().map { position, score -> [TextTable.Cell] in
        [
          TextTable.Cell(position == 0 ? entry.name : ""),
          TextTable.Cell(score.name + (score.unit.map { ", \($0)" } ?? "")),
        ]
          + runs.map { run in
            guard let score = run.entries[number].result.score(score.name), let value = score.value else { return "–" }
            return TextTable.Cell(
              Format.number(value) + (score.uncertainty.map { " \($0)" } ?? ""), value: value)
          }
      }
    }
    // What holds for every run is said once.
    let sentences = runs.map { run in run.entries.flatMap(Self.sentences) }
    let common = Self.distinct(sentences.first ?? []).filter { sentence in
      sentences.allSatisfy { $0.contains(sentence) }
    }
    let others = zip(runs, sentences).flatMap { run, sentences in
      sentences.filter { !common.contains($0) }.map { "\(run.name): \($0)" }
    }
    let table = TextTable(
      title: title, header: ["metric", "score"] + runs.map(\.name), rows: rows,
      numeric: Set(2..<2 + max(runs.count, 1)), note: Self.note(common + others, style))
    blocks =
      [table.text(style)]
      + (parts ? runs.flatMap { run in Self.parts(run.entries, factors, style, of: "\(run.name): ") } : [])
  }

  /// The notes of a metric beside its scores.
  private static func sentences(_ entry: Evaluation.Entry) -> [String] {
    entry.result.notes.map { "\(entry.name): \($0)" }
      + entry.result.scores.compactMap { score in score.undefined.map { "\(entry.name), \(score.name): \($0)" } }
  }

  private static func note(_ sentences: [String], _ style: TextTable.Style) -> String? {
    guard !sentences.isEmpty else { return nil }
    return style == .markdown
      ? distinct(sentences).map { "- \($0)" }.joined(separator: "\n") : distinct(sentences).joined(separator: "\n  ")
  }

  private static func parts(
    _ entries: [Evaluation.Entry], _ factors: [String], _ style: TextTable.Style, of run: String = ""
  )
    -> [String]
  {
    entries.flatMap { entry in entry.result.parts.map { table($0, of: run + entry.name, factors, style) } }
  }

  /// A part as a table: a list with a row for each element, or a matrix.
  private static func table(
    _ part: MetricPart, of metric: String, _ factors: [String], _ style: TextTable.Style
  ) -> String {
    func label(_ axis: String, _ index: Int) -> String {
      axis == "factor" && index < factors.count ? factors[index] : "\(index)"
    }
    func cell(_ value: Double?) -> TextTable.Cell { TextTable.Cell(value.map(Format.number) ?? "–") }
    let unit = part.unit.map { ", \($0)" } ?? "", width = part.shape.count > 1 ? part.shape.last ?? 1 : 1
    let lead = part.shape.count > 1 ? part.shape.dropLast().reduce(1, *) : part.shape.first ?? 1
    let rows = (0..<lead).map { row in
      [TextTable.Cell(part.shape.count > 2 ? "\(row)" : label(part.axes.first ?? "", row))]
        + (0..<width).map { cell(part.values[row * width + $0]) }
    }
    let columns = part.shape.count > 1 ? (0..<width).map { label(part.axes.last ?? "", $0) } : [""]
    let axes =
      part.axes.count > 1
      ? "\(part.axes.dropLast().joined(separator: ", ")) ↓ \(part.axes.last ?? "") →" : part.axes.first ?? ""
    return TextTable(
      title: "\(metric): \(part.name)\(unit)", header: [axes] + columns, rows: rows, numeric: Set(1...width)
    ).text(style)
  }

  /// The sentences, each once.
  private static func distinct(_ sentences: [String]) -> [String] {
    sentences.enumerated().filter { !sentences[..<$0.offset].contains($0.element) }.map(\.element)
  }
}
