import Foundation

/// A table for people, which a terminal, a Markdown file and a page show each in its own way.
public struct TextTable: Sendable, Equatable {
  /// The form of a text.
  public enum Style: Sendable {
    /// Columns aligned with spaces.
    case terminal
    /// Headings and tables of GitHub-flavoured Markdown.
    case markdown
  }

  /// What stands in one place.
  public struct Cell: Sendable, Equatable, ExpressibleByStringInterpolation {
    /// What is read.
    public var text: String
    /// The number behind the text, where it is one.
    public var value: Double?
    /// Where in the JSON form the number is: keys and indices joined by dots.
    public var path: String?

    /// Makes a cell.
    public init(_ text: String, value: Double? = nil, path: String? = nil) {
      (self.text, self.value, self.path) = (text, value, path)
    }

    /// A cell of words.
    public init(stringLiteral text: String) { self.init(text) }

    /// A number with four decimals.
    public static func number(_ value: Double, at path: String) -> Cell {
      Cell(Format.number(value), value: value, path: path)
    }
  }

  /// What stands above it.
  public var title: String
  /// The names of the columns.
  public var header: [String]
  /// The rows, each as long as the header.
  public var rows: [[Cell]]
  /// The columns of numbers, which are set to the right.
  public var numeric: Set<Int>
  /// What stands below it.
  public var note: String?

  /// Makes a table.
  public init(title: String = "", header: [String], rows: [[Cell]], numeric: Set<Int>, note: String? = nil) {
    (self.title, self.header, self.rows, self.numeric, self.note) = (title, header, rows, numeric, note)
  }

  /// The table with its title and note, without a line break at its end.
  public func text(_ style: Style) -> String {
    (title.isEmpty ? "" : Self.heading(title, style) + "\n") + (style == .markdown ? markdown : aligned)
      + (note.map { style == .markdown ? "\n\n\($0)" : "\n  \($0)" } ?? "")
  }

  package static func heading(_ text: String, _ style: Style) -> String { style == .markdown ? "## \(text)\n" : text }

  private var markdown: String {
    let rule = header.indices.map { numeric.contains($0) ? "---:" : ":---" }
    return ([header, rule] + rows.map { $0.map(\.text) }).map { cells in
      let escaped = cells.map { cell in
        String(cell.drop { $0 == " " }).replacingOccurrences(of: "|", with: "\\|")
      }
      return "| " + escaped.joined(separator: " | ") + " |"
    }.joined(separator: "\n")
  }

  private var aligned: String {
    let lines = [header] + rows.map { $0.map(\.text) }
    let widths = header.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { cells in
      var line = " "
      for (column, cell) in cells.enumerated() {
        let space = String(repeating: " ", count: widths[column] - cell.count)
        line += " " + (numeric.contains(column) ? space + cell : cell + space) + " "
      }
      return String(line.reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
  }
}
