import CSQLite

/// A connection to an SQLite file.
package final class SQLiteDatabase {
  /// What SQLite says is wrong.
  package struct Failure: Error {
    package let message: String

    package init(message: String) { self.message = message }
  }

  /// A value of a parameter.
  package enum Value {
    case null
    case integer(Int)
    case real(Double)
    case text(String)

    package init(_ value: String?) { self = value.map(Value.text) ?? .null }
    package init(_ value: Double?) { self = value.map(Value.real) ?? .null }
    package init(_ value: Int?) { self = value.map(Value.integer) ?? .null }
    package init(_ value: Bool?) { self = value.map { .integer($0 ? 1 : 0) } ?? .null }
  }

  private let connection: OpaquePointer

  /// Opens a file; makes it if it is to be written and is not there.
  package init(_ path: String, isReadOnly: Bool) throws {
    var opened: OpaquePointer?
    let flags = isReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
    let status = sqlite3_open_v2(path, &opened, flags, nil)
    // Without memory there is not even a connection that could say so.
    guard let opened else { throw Failure(message: String(cString: sqlite3_errstr(status))) }
    connection = opened
    try check(status)
  }

  deinit { sqlite3_close_v2(connection) }

  /// Executes statements without results.
  package func execute(_ sql: String) throws { try check(sqlite3_exec(connection, sql, nil, nil, nil)) }

  /// Compiles one statement.
  package func statement(_ sql: String) throws -> Statement {
    try sql.withCString { text in
      var compiled: OpaquePointer?
      var rest: UnsafePointer<CChar>?
      try check(sqlite3_prepare_v2(connection, text, -1, &compiled, &rest))
      guard let compiled else { throw Failure(message: "there is no statement") }
      let statement = Statement(compiled, of: self)
      // What follows may be space and comments, which compile to nothing.
      var next: OpaquePointer?
      let status = sqlite3_prepare_v2(connection, rest, -1, &next, nil)
      defer { sqlite3_finalize(next) }
      guard status == SQLITE_OK, next == nil else { throw Failure(message: "there is more than one statement") }
      return statement
    }
  }

  fileprivate func check(_ status: Int32) throws {
    guard [SQLITE_OK, SQLITE_ROW, SQLITE_DONE].contains(status) else {
      throw Failure(message: String(cString: sqlite3_errmsg(connection)))
    }
  }

  /// A compiled statement.
  package final class Statement {
    private let compiled: OpaquePointer
    private let database: SQLiteDatabase

    fileprivate init(_ compiled: OpaquePointer, of database: SQLiteDatabase) {
      (self.compiled, self.database) = (compiled, database)
    }

    deinit { sqlite3_finalize(compiled) }

    /// Whether it has rows to give, and changes nothing.
    package var isQuestion: Bool { sqlite3_column_count(compiled) > 0 && sqlite3_stmt_readonly(compiled) != 0 }

    /// The names of the columns of its rows.
    package var columns: [String] {
      (0..<sqlite3_column_count(compiled)).map { String(cString: sqlite3_column_name(compiled, $0)) }
    }

    /// Executes it with values for its parameters.
    package func execute(_ values: [Value]) throws {
      for (i, value) in values.enumerated() {
        let index = Int32(i + 1)
        switch value {
        case .null: try database.check(sqlite3_bind_null(compiled, index))
        case .integer(let number): try database.check(sqlite3_bind_int64(compiled, index, Int64(number)))
        case .real(let number): try database.check(sqlite3_bind_double(compiled, index, number))
        case .text(let text): try database.check(csqlite_bind_text(compiled, index, text))
        }
      }
      try database.check(sqlite3_step(compiled))
      try database.check(sqlite3_reset(compiled))
    }

    /// The next row as text; nil for NULL, and nil after the last row.
    package func next() throws -> [String?]? {
      let status = sqlite3_step(compiled)
      try database.check(status)
      return status == SQLITE_ROW ? (0..<sqlite3_column_count(compiled)).map(text) : nil
    }

    private func text(_ column: Int32) -> String? {
      switch sqlite3_column_type(compiled, column) {
      case SQLITE_INTEGER: return "\(sqlite3_column_int64(compiled, column))"
      case SQLITE_FLOAT: return "\(sqlite3_column_double(compiled, column))"
      case SQLITE_TEXT:
        let text = UnsafeBufferPointer(
          start: sqlite3_column_text(compiled, column), count: Int(sqlite3_column_bytes(compiled, column)))
        return String(decoding: text, as: UTF8.self)
      case SQLITE_BLOB: return "\(sqlite3_column_bytes(compiled, column)) bytes"
      default: return nil
      }
    }
  }
}
