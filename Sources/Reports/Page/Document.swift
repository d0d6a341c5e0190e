import Diagnostics

/// A text with tables and figures, written once and shown as a page or as Markdown.
struct Document {
  /// Words and numbers in a row.
  typealias Prose = [TextTable.Cell]

  /// A piece of a document.
  enum Block {
    case heading(String)
    case paragraph(Prose)
    case list([Prose])
    /// A table; its cells' paths begin at `prefix` in the JSON file.
    case table(TextTable, prefix: String)
    /// A figure by its name.
    case figure(String)
    /// An animation: the name of its file.
    case animation(String, caption: String)
    /// A link to another file of the folder.
    case link(String, to: String)
    /// Text as it is, folded away.
    case source(String, summary: String)
  }

  var title: String
  var blocks: [Block] = []
}
