import Diagnostics
import FileFormats
import Foundation

/// An SQLite file with the runs of a study and their scores, for questions in SQL.
///
///     runs      digest, variant, objective, dataset, strength, settings, seed, state, error, collapsed, steps,
///               training_seconds, measuring_seconds, host, finished
///     settings  digest, key, setting, number, is_strength
///     scores    digest, name, value, standard_error
///
/// It is made from the folder of the study and may be deleted at any time; workers never touch it. It appears whole or not
/// at all.
public struct StudyRegistry {
  /// The answer to a question.
  public struct Answer: Sendable {
    /// The names of its columns.
    public var columns: [String]
    /// Its rows; nil for NULL.
    public var rows: [[String?]]
  }

  /// The file.
  public let path: String

  /// The registry of the study in a folder, there or not.
  public init(of folder: StudyFolder) { path = PathParts.join(folder.path, "study.sqlite") }

  private static let tables = """
    CREATE TABLE runs (
      digest TEXT PRIMARY KEY, variant TEXT NOT NULL, objective TEXT, dataset TEXT, strength TEXT NOT NULL,
      settings TEXT NOT NULL, seed INTEGER NOT NULL, state TEXT NOT NULL, error TEXT, collapsed INTEGER, steps INTEGER,
      training_seconds REAL, measuring_seconds REAL, host TEXT, finished TEXT);
    CREATE TABLE settings (
      digest TEXT NOT NULL REFERENCES runs, key TEXT NOT NULL, setting TEXT NOT NULL, number REAL,
      is_strength INTEGER NOT NULL, PRIMARY KEY (digest, key)) WITHOUT ROWID;
    CREATE TABLE scores (
      digest TEXT NOT NULL REFERENCES runs, name TEXT NOT NULL, value REAL, standard_error REAL,
      PRIMARY KEY (digest, name)) WITHOUT ROWID;
    CREATE INDEX scores_by_name ON scores (name, value);
    """

  /// Makes the registry anew.
  ///
  /// - Parameters:
  ///   - table: the study as it is.
  /// - Throws: `StructuredError` if the file cannot be written; an earlier one is intact then.
  public func write(_ table: StudyTable) throws {
    let staging = "\(path).\(getpid()).new"
    defer { for suffix in ["", "-journal"] { unlink(staging + suffix) } }
    do {
      unlink(staging)
      let database = try SQLiteDatabase(staging, isReadOnly: false)
      // The file is new and replaces the old one when it is whole: nothing to protect meanwhile.
      try database.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN; \(Self.tables)")
      try insert(table, into: database)
      try database.execute("COMMIT")
    } catch let error as SQLiteDatabase.Failure {
      throw StructuredError("the registry cannot be written: \(error.message)", at: path)
    }
    guard rename(staging, path) == 0 else {
      throw StructuredError("the registry cannot be written: \(String(cString: strerror(errno)))", at: path)
    }
  }

  private func insert(_ table: StudyTable, into database: SQLiteDatabase) throws {
    let run = try database.statement("INSERT INTO runs VALUES (\(Self.places(15)))")
    let setting = try database.statement("INSERT INTO settings VALUES (\(Self.places(5)))")
    let score = try database.statement("INSERT INTO scores VALUES (\(Self.places(4)))")
    for row in table.rows {
      let result = row.result, digest = row.run.digest
      try run.execute([
        .text(digest), .text(row.run.variant), .init(result?.objective), .init(result?.dataset),
        .text(row.run.strengthLabel), .text(row.run.commonLabel), .init(row.run.seed), .text(row.state),
        .init(row.error),
        .init(result?.isCollapsed), .init(result?.steps), .init(result?.trainingSeconds),
        .init(result?.measuringSeconds), .init(result?.host), .init(result?.finished),
      ])
      for (settings, isStrength) in [(row.run.common, false), (row.run.strength, true)] {
        for value in settings {
          try setting.execute([
            .text(digest), .text(value.key), .text(value.value), .init(Double(value.value)), .init(isStrength),
          ])
        }
      }
      for value in result?.values ?? [] {
        try score.execute([.text(digest), .text(value.name), .init(value.value), .init(value.standardError)])
      }
    }
  }

  private static func places(_ count: Int) -> String { Array(repeating: "?", count: count).joined(separator: ", ") }

  /// Answers a question in SQL that changes nothing.
  ///
  /// - Throws: `StructuredError` if there is no registry, or SQLite does not accept the question.
  public func answer(_ sql: String) throws -> Answer {
    guard FileManager.default.fileExists(atPath: path) else {
      throw StructuredError("there is no registry yet", at: path, action: "Make it with `disentangle study index`.")
    }
    do {
      let statement = try SQLiteDatabase(path, isReadOnly: true).statement(sql)
      guard statement.isQuestion else { throw SQLiteDatabase.Failure(message: "this statement is no question") }
      var answer = Answer(columns: statement.columns, rows: [])
      while let row = try statement.next() { answer.rows.append(row) }
      return answer
    } catch let error as SQLiteDatabase.Failure {
      throw StructuredError(
        "SQLite says: \(error.message)", at: sql.count > 100 ? "\(sql.prefix(100))…" : sql,
        expected: "one SELECT over the tables runs, settings and scores")
    }
  }
}
