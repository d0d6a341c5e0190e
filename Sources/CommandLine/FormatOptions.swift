import ArgumentParser
import Diagnostics
import Foundation

/// The format of results on standard output, the same for every command that prints results.
struct FormatOptions: ParsableArguments {
  enum Format: String, ExpressibleByArgument, CaseIterable { case table, markdown, json, csv }

  @Option(help: "The output format.")
  var format = Format.table

  /// The results in the format.
  ///
  /// - Parameters:
  ///   - tables: The results as tables.
  ///   - json: The results as JSON.
  ///   - csv: The results as CSV; by default one line for each value of the JSON, with its path.
  /// - Throws: what `json` and `csv` throw.
  func text(
    _ tables: (TextTable.Style) -> String, json: () throws -> String, csv: (() throws -> String)? = nil
  ) throws -> String {
    switch format {
    case .table: tables(.terminal)
    case .markdown: tables(.markdown)
    case .json: try json()
    case .csv: try csv?() ?? JSONValue.csv(of: json())
    }
  }

  /// Says something beside the results: below a table, or on standard error where programs read the results.
  func note(_ text: String) throws {
    try (format == .table ? StandardStream.output : .error).writeLine("\n" + text)
  }
}

/// A value of JSON, to list its parts.
private enum JSONValue: Decodable {
  case object([String: JSONValue])
  case array([JSONValue])
  case text(String)
  case number(String)
  case null

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .number("\(value)")
    } else if let value = try? container.decode(Int.self) {
      self = .number("\(value)")
    } else if let value = try? container.decode(Double.self) {
      self = .number("\(value)")
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  /// The values of a JSON text: lines `path,value`, paths with keys in alphabetical order and joined by dots.
  static func csv(of json: String) throws -> String {
    let value = try JSONDecoder().decode(JSONValue.self, from: Data(json.utf8))
    return (["path,value"] + value.lines(path: "")).joined(separator: "\n")
  }

  private func lines(path: String) -> [String] {
    func below(_ key: String) -> String { path.isEmpty ? key : path + "." + key }
    switch self {
    case .object(let values): return values.sorted { $0.key < $1.key }.flatMap { $1.lines(path: below($0)) }
    case .array(let values): return values.enumerated().flatMap { $1.lines(path: below("\($0)")) }
    case .text(let text): return ["\(path.csvCell()),\(text.csvCell())"]
    case .number(let text): return ["\(path.csvCell()),\(text)"]
    case .null: return ["\(path.csvCell()),"]
    }
  }
}
