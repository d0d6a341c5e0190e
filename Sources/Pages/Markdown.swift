import Diagnostics
import Figures

extension Document {
  /// The document as GitHub-flavoured Markdown, with the figures' PNG files.
  func markdown(_ figures: [Figure]) -> String {
    var parts = ["# " + title.escapedForMarkdown()]
    for block in blocks {
      switch block {
      case .heading(let text): parts.append("## " + text.escapedForMarkdown())
      case .paragraph(let prose): parts.append(Self.escaped(prose))
      case .list(let items): parts.append(items.map { "- " + Self.escaped($0) }.joined(separator: "\n"))
      case .table(let table, _): parts.append(table.text(.markdown))
      case .figure(let name):
        guard let figure = figures.first(where: { $0.name == name }) else { continue }
        let title = figure.title.escapedForMarkdown(), caption = figure.caption.escapedForMarkdown()
        parts.append("![\(title)](figures/\(name).png)\n\n*\(title).* \(caption)")
      case .animation(let file, let caption):
        let caption = caption.escapedForMarkdown()
        parts.append("![\(caption)](figures/\(file))\n\n\(caption)")
      case .link(let text, let target): parts.append("[\(text.escapedForMarkdown())](\(target))")
      case .source(let text, let summary):
        let fence = Self.fence(for: text)
        parts.append("\(summary.escapedForMarkdown()):\n\n\(fence)yaml\n\(text)\(fence)")
      }
    }
    return parts.joined(separator: "\n\n") + "\n"
  }

  private static func escaped(_ prose: Prose) -> String { prose.map(\.text).joined().escapedForMarkdown() }

  /// A fence of backticks that is longer than any in the text.
  private static func fence(for text: String) -> String {
    var longest = 2, run = 0
    for character in text {
      run = character == "`" ? run + 1 : 0
      longest = max(longest, run)
    }
    return String(repeating: "`", count: longest + 1)
  }
}
