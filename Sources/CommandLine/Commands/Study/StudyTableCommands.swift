import ArgumentParser
import Diagnostics
import Experiment
import FileFormats
import Foundation
import Studies

extension StudyOptions {
  /// The study as it is in its folder.
  ///
  /// - Throws: `StructuredError` if there is none.
  func table(_ components: Components) throws -> (plan: StudyPlan, folder: StudyFolder, table: StudyTable) {
    let plan = try plan(components), folder = try StudyFolder(reading: folder(of: plan))
    return (plan, folder, StudyTable(of: plan, in: folder, patience: patience))
  }
}

struct StudyExportCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write the scores of all finished runs as one table.",
    discussion: """
      CSV with a line for each score of each run: digest, variant, objective, dataset, strength, seed, collapsed, a column \
      for each axis, score, value, standard_error. In pandas: \
      pandas.read_csv(FILE).pivot_table(index="digest", columns="score", values="value").
      """)

  @OptionGroup var study: StudyOptions

  @Option(name: .customLong("csv"), help: "The file to write (default: standard output).")
  var file: String?

  @Flag(help: "Replace the file if it exists.")
  var force = false

  func run(_ components: Components) throws {
    if let file { try FileKind.text.requireWritable(file, force: force) }
    let text = try study.table(components).table.csv() + "\n"
    guard let file else { return try StandardStream.output.write(text) }
    try AtomicFile.write(Data(text.utf8), to: file, overwrite: force)
  }
}

struct StudyIndexCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "index", abstract: "Make the SQLite registry of a study, study.sqlite in its folder.",
    discussion: """
      The tables are runs, settings and scores. The registry is made from the folders of the runs and may be deleted at any \
      time.
      """)

  @OptionGroup var study: StudyOptions

  func run(_ components: Components) throws {
    let (_, folder, table) = try study.table(components)
    let registry = StudyRegistry(of: folder)
    try registry.write(table)
    for row in table.rows where row.state == "unreadable" {
      try? StandardStream.error.writeLine("warning: \(row.error ?? "")")
    }
    announce(
      "\(registry.path): \(Format.grouped(table.rows.count)) runs, \(Format.grouped(table.finished.count)) finished")
  }
}

struct StudyQueryCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "query", abstract: "Ask the registry of a study in SQL, read-only.",
    discussion: """
      disentangle study query STUDY "SELECT variant, strength, avg(value) FROM runs JOIN scores USING (digest) WHERE \
      name = 'mig' GROUP BY variant, strength"

      The tables: runs (digest, variant, objective, dataset, strength, settings, seed, state, error, collapsed, steps, \
      training_seconds, measuring_seconds, host, finished), settings (digest, key, setting, number, is_strength), scores \
      (digest, name, value, standard_error).
      """)

  @OptionGroup var study: StudyOptions

  @Argument(help: "The question, one SELECT.")
  var sql: String

  @OptionGroup var format: FormatOptions

  func run(_ components: Components) throws {
    let (_, folder, table) = try study.table(components)
    let registry = StudyRegistry(of: folder)
    // Always as the folders are now: a registry of yesterday would answer yesterday's question.
    try registry.write(table)
    let answer = try registry.answer(sql)
    let text = try format.text(
      { style in
        TextTable(
          header: answer.columns, rows: answer.rows.map { $0.map { .init($0 ?? "–") } },
          numeric: Set(
            answer.columns.indices.filter { index in answer.rows.allSatisfy { Double($0[index] ?? "0") != nil } })
        ).text(style)
      },
      json: {
        let rows = answer.rows.map { row in
          Dictionary(zip(answer.columns, row)) { first, _ in first }.compactMapValues { $0 }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(rows), as: UTF8.self)
      },
      csv: {
        ([answer.columns.map { $0.csvCell() }] + answer.rows.map { $0.map { ($0 ?? "").csvCell() } })
          .map { $0.joined(separator: ",") }.joined(separator: "\n")
      })
    try StandardStream.output.writeLine(text)
  }
}
