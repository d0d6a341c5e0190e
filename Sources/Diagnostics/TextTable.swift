import Foundation

/// A table of text, for a terminal, a Markdown file or an HTML page.
public struct TextTable: Sendable, Equatable {
  /// An output format.
  public enum Style: Sendable {
    /// Columns aligned with spaces.
    case terminal
    /// Headings and tables of GitHub-flavoured Markdown.
    case markdown
  }

  /// One entry of the table.
  public struct Cell: Sendable, Equatable, ExpressibleByStringInterpolation {
    /// The text to show.
    public var text: String
    /// The number that the text shows, if it is a number.
    public var value: Double?
    /// The path of the number in the JSON report: keys and indices joined by dots.
    public var path: String?

    /// Makes a cell.
    public init(_ text: String, value: Double? = nil, path: String? = nil) {
      (self.text, self.value, self.path) = (text, value, path)
    }

    /// A cell of plain text.
    public init(stringLiteral text: String) { self.init(text) }

    /// A number with four decimals.
    public static func number(_ value: Double, at path: String) -> Cell {
      Cell(Format.number(value), value: value, path: path)
    }
  }

  /// The title above the table.
  public var title: String
  /// The column names.
  public var header: [String]
  /// The rows, each with as many cells as the header.
  public var rows: [[Cell]]
  /// The indices of the columns of numbers, which are right-aligned.
  public var numeric: Set<Int>
  /// The note below the table.
  public var note: String?

  /// Makes a table.
  public init(title: String = "", header: [String], rows: [[Cell]], numeric: Set<Int>, note: String? = nil) {
    (self.title, self.header, self.rows, self.numeric, self.note) = (title, header, rows, numeric, note)
  }

  /// The table with its title and note, without a final line break.
  public func text(_ style: Style) -> String {
    (title.isEmpty ? "" : Self.heading(title, style) + "\n") + (style == .markdown ? markdown : aligned)
      + (note.map { style == .markdown ? "\n\n\($0.escapedForMarkdown())" : "\n  \($0)" } ?? "")
  }

  package static func heading(_ text: String, _ style: Style) -> String {
    style == .markdown ? "## \(text.escapedForMarkdown())\n" : text.escapingControls()
  }

  private var markdown: String {
    let rule = header.indices.map { numeric.contains($0) ? "---:" : ":---" }
    func escaped(_ cells: [String]) -> [String] { cells.map { $0.drop { $0 == " " }.escapedForMarkdown() } }
    return ([escaped(header), rule] + rows.map { escaped($0.map(\.text)) }).map { cells in
      "| " + cells.joined(separator: " | ") + " |"
    }.joined(separator: "\n")
  }

  private var aligned: String {
    let lines = ([header] + rows.map { $0.map(\.text) }).map { $0.map { $0.escapingControls() } }
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
