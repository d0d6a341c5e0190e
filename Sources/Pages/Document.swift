import Diagnostics

/// A text with tables and figures, written once and shown as a page or as Markdown.
package struct Document {
  /// Words and numbers in a row.
  package typealias Prose = [TextTable.Cell]

  /// A piece of a document.
  package enum Block {
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

  package var title: String
  package var blocks: [Block]

  package init(title: String, blocks: [Block] = []) { (self.title, self.blocks) = (title, blocks) }
}
