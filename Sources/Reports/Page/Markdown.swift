import Figures

extension Document {
  /// The document as GitHub-flavoured Markdown, with the figures' PNG files.
  func markdown(_ figures: [Figure]) -> String {
    var parts = ["# \(title)"]
    for block in blocks {
      switch block {
      case .heading(let text): parts.append("## \(text)")
      case .paragraph(let prose): parts.append(Self.escaped(prose))
      case .list(let items): parts.append(items.map { "- " + Self.escaped($0) }.joined(separator: "\n"))
      case .table(let table, _): parts.append(table.text(.markdown))
      case .figure(let name):
        guard let figure = figures.first(where: { $0.name == name }) else { continue }
        parts.append("![\(figure.title)](figures/\(name).png)\n\n*\(figure.title).* \(Self.escaped(figure.caption))")
      case .animation(let file, let caption): parts.append("![\(caption)](figures/\(file))\n\n\(Self.escaped(caption))")
      case .link(let text, let target): parts.append("[\(text)](\(target))")
      case .source(let text, let summary): parts.append("\(summary):\n\n```yaml\n\(text)```")
      }
    }
    return parts.joined(separator: "\n\n") + "\n"
  }

  private static func escaped(_ prose: Prose) -> String { escaped(prose.map(\.text).joined()) }

  /// The text with the characters that Markdown would take for its own.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      if "*_`<|".contains(character) { result += "\\" }
      result.append(character)
    }
    return result
  }
}
