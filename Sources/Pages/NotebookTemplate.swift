import Diagnostics
import FileFormats
import Foundation

/// A Jupyter notebook written as a Python program in which `# %%` begins a cell, as editors have it.
///
/// `# %% [markdown]` begins a cell of text, whose lines begin with `# `. A cell that belongs to a figure says so:
/// `# %% figure NAME`; it is left out where there is no such figure.
package struct NotebookTemplate {
  private struct Cell {
    var isMarkdown: Bool
    var figure: String?
    var lines: [String]
  }

  private let cells: [Cell]

  /// Takes a program apart.
  package init(_ program: String) {
    var cells: [Cell] = []
    for line in program.components(separatedBy: "\n") {
      if line.hasPrefix("# %%") {
        let words = line.split(separator: " ").dropFirst(2)
        let figure = words.firstIndex(of: "figure").flatMap { words[($0 + 1)...].first.map(String.init) }
        cells.append(Cell(isMarkdown: words.first == "[markdown]", figure: figure, lines: []))
      } else if !cells.isEmpty {
        let isText = cells[cells.count - 1].isMarkdown
        cells[cells.count - 1].lines.append(isText ? String(line.dropFirst(2)) : line)
      }
    }
    self.cells = cells
  }

  /// The figures that have a cell.
  package var figures: [String] { cells.filter { !$0.isMarkdown }.compactMap(\.figure) }

  /// The path of a notebook without .ipynb, for the names of the files beside it.
  ///
  /// - Throws: `StructuredError` if the path does not end in .ipynb.
  package static func stem(of path: String) throws -> String {
    let suffix = ".ipynb"
    guard path.hasSuffix(suffix), PathParts(path).name.count > suffix.count else {
      throw StructuredError("this is no name of a notebook", at: path, expected: "a name that ends in .ipynb")
    }
    return String(path.dropLast(suffix.count))
  }

  /// The notebook in nbformat 4.5, with the cells of the figures named and those of none.
  package func notebook(figures: [String]) throws -> Data {
    let chosen = cells.filter { $0.figure.map(figures.contains) ?? true }
    let document = Document(
      cells: chosen.enumerated().map { index, cell in
        let lines = Array(cell.lines.reversed().drop { $0.isEmpty }.reversed())
        let source = lines.enumerated().map { $0.offset < lines.count - 1 ? $0.element + "\n" : $0.element }
        let name = cell.figure ?? "cell-\(index + 1)"
        return .init(id: cell.isMarkdown ? name + "-title" : name, isMarkdown: cell.isMarkdown, source: source)
      })
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(document) + Data("\n".utf8)
  }

  /// https://nbformat.readthedocs.io/en/latest/format_description.html
  private struct Document: Encodable {
    struct Cell: Encodable {
      let id: String
      let isMarkdown: Bool
      let source: [String]

      enum CodingKeys: String, CodingKey { case id, metadata, source, outputs, cell_type, execution_count }

      func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode([String: String](), forKey: .metadata)
        try container.encode(source, forKey: .source)
        try container.encode(isMarkdown ? "markdown" : "code", forKey: .cell_type)
        if !isMarkdown {
          try container.encode([String](), forKey: .outputs)
          try container.encodeNil(forKey: .execution_count)
        }
      }
    }

    struct Metadata: Encodable {
      let kernelspec = ["name": "python3", "display_name": "Python 3", "language": "python"]
      let language_info = ["name": "python"]
    }

    let cells: [Cell]
    let metadata = Metadata()
    let nbformat = 4
    let nbformat_minor = 5
  }
}
