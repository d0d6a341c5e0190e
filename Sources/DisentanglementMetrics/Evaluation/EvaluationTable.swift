import RateDecomposition

/// Metrics as tables for people.
struct EvaluationTable {
  /// The tables, in their order.
  let blocks: [String]

  /// Sets the tables.
  init(_ entries: [Evaluation.Entry], title: String, factors: [String], parts: Bool) {
    var notes: [String] = []
    let rows = entries.flatMap { entry -> [[TextTable.Cell]] in
      notes += entry.result.notes.map { "\(entry.name): \($0)" }
      return entry.result.scores.enumerated().map { position, score -> [TextTable.Cell] in
        if let reason = score.undefined { notes.append("\(entry.name), \(score.name): \(reason)") }
        return [
          TextTable.Cell(position == 0 ? entry.name : ""), TextTable.Cell(score.name),
          TextTable.Cell(score.value.map(Format.number) ?? "–"),
          TextTable.Cell(score.standardError.map { "± \(Format.number($0))" } ?? ""), TextTable.Cell(score.unit ?? ""),
        ]
      }
    }
    let table = TextTable(
      title: title, header: ["metric", "score", "value", "± standard error", ""], rows: rows, numeric: [2],
      note: notes.isEmpty ? nil : Self.distinct(notes).joined(separator: "\n  "))
    blocks =
      [table.text(.terminal)]
      + (parts ? entries.flatMap { entry in entry.result.parts.map { Self.table($0, of: entry.name, factors) } } : [])
  }

  /// A part as a table: a list with a row for each element, or a matrix.
  private static func table(_ part: MetricPart, of metric: String, _ factors: [String]) -> String {
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
    ).text(.terminal)
  }

  /// The sentences, each once.
  private static func distinct(_ sentences: [String]) -> [String] {
    sentences.enumerated().filter { !sentences[..<$0.offset].contains($0.element) }.map(\.element)
  }
}
