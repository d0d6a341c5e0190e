import Diagnostics
import Figures
import Foundation

extension Document {
  /// The document as one page that needs no other file, network or script.
  ///
  /// Numbers that the JSON file holds are `<data value="…" data-path="…">`: the exact value, and where it stands there.
  ///
  /// - Parameters:
  ///   - figures: those that the document names.
  ///   - animations: the animations by the names of their files.
  /// - Throws: `StructuredError` if a figure cannot be drawn.
  func html(_ figures: [Figure], animations: [String: Data] = [:]) throws -> String {
    var body = "<h1>\(title.escapedForXML)</h1>\n"
    let headings = blocks.compactMap { block -> String? in
      if case .heading(let text) = block { text } else { nil }
    }
    if headings.count > 2 {
      let links = headings.map { "<a href=\"#\(Self.anchor($0))\">\($0.escapedForXML)</a>" }
      body += "<nav>\(links.joined(separator: " "))</nav>\n"
    }
    for block in blocks { body += try Self.element(block, figures, animations) }
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <link rel="icon" href="data:,">
      <title>\(title.escapedForXML)</title>
      <style>
      \(Self.style)
      </style>
      </head>
      <body>
      <main>
      \(body)</main>
      </body>
      </html>

      """
  }

  private static func element(
    _ block: Block, _ figures: [Figure], _ animations: [String: Data]
  ) throws -> String {
    switch block {
    case .heading(let text): return "<h2 id=\"\(anchor(text))\">\(text.escapedForXML)</h2>\n"
    case .paragraph(let prose): return "<p>\(inline(prose, ""))</p>\n"
    case .list(let items): return "<ul>\n\(items.map { "<li>\(inline($0, ""))</li>\n" }.joined())</ul>\n"
    case .table(let table, let prefix): return element(table, prefix)
    case .figure(let name):
      guard let figure = figures.first(where: { $0.name == name }) else { return "" }
      let files = ["svg", "pdf", "png"].map { "<a href=\"figures/\(name).\($0)\">\($0.uppercased())</a>" }
      return
        "<figure id=\"\(name)\">\n\(try figure.svg(isInline: true))<figcaption><b>\(figure.title.escapedForXML).</b> "
        + "\(figure.caption.escapedForXML) <span class=\"files\">\(files.joined(separator: " "))</span></figcaption>\n"
        + "</figure>\n"
    case .animation(let file, let caption):
      guard let data = animations[file] else { return "" }
      return
        "<figure>\n<img alt=\"\(caption.escapedForXML)\" src=\"data:image/gif;base64,\(data.base64EncodedString())\">\n"
        + "<figcaption>\(caption.escapedForXML) <span class=\"files\"><a href=\"figures/\(file)\">GIF</a></span>"
        + "</figcaption>\n</figure>\n"
    case .link(let text, let target): return "<p><a href=\"\(target)\">\(text.escapedForXML)</a></p>\n"
    case .source(let text, let summary):
      return "<details><summary>\(summary.escapedForXML)</summary>\n<pre>\(text.escapedForXML)</pre>\n</details>\n"
    }
  }

  private static func element(_ table: TextTable, _ prefix: String) -> String {
    func alignment(_ column: Int) -> String { table.numeric.contains(column) ? " class=\"number\"" : "" }
    let head = table.header.enumerated().map { "<th\(alignment($0))>\($1.escapedForXML)</th>" }.joined()
    let rows = table.rows.map { row in
      "<tr>" + row.enumerated().map { "<td\(alignment($0))>\(inline([$1], prefix))</td>" }.joined() + "</tr>\n"
    }
    // Long tables are folded, so that a page of 64 latents can still be read.
    let isLong = rows.count > 32
    let hasHead = table.header.contains { !$0.isEmpty }
    return (isLong ? "<details><summary>Table of \(rows.count) rows</summary>\n" : "")
      + "<div class=\"table\"><table\(hasHead ? "" : " class=\"facts\"")>\n"
      + (table.title.isEmpty ? "" : "<caption>\(table.title.escapedForXML)</caption>\n")
      + (hasHead ? "<thead><tr>\(head)</tr></thead>\n" : "") + "<tbody>\n\(rows.joined())</tbody>\n</table></div>\n"
      + (table.note.map { "<p class=\"note\">\($0.escapedForXML)</p>\n" } ?? "") + (isLong ? "</details>\n" : "")
  }

  private static func inline(_ prose: Prose, _ prefix: String) -> String {
    prose.map { cell in
      let text = cell.text.escapedForXML
      guard let value = cell.value, let path = cell.path else { return text }
      return "<data value=\"\(value)\" data-path=\"\((prefix + path).escapedForXML)\">\(text)</data>"
    }.joined()
  }

  private static func anchor(_ heading: String) -> String {
    String(heading.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
  }

  private static let style = """
    :root { --ink: #1a1a1a; --secondary: #595959; --rule: #cccccc; --paper: #ffffff; --link: #0060a0; --shade: #f4f4f2 }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #ececec; --secondary: #b0b0b0; --rule: #4a4a4a; --paper: #161616; --link: #7cc4ff; --shade: #222222 }
    }
    * { box-sizing: border-box }
    body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif }
    main { max-width: 52rem; margin: 0 auto; padding: 1rem 1rem 4rem }
    h1 { font-size: 1.5rem; line-height: 1.25; margin: 1rem 0; overflow-wrap: anywhere }
    h2 { font-size: 1.2rem; margin: 2.75rem 0 0.75rem; padding-top: 0.75rem; border-top: 1px solid var(--rule) }
    a { color: var(--link) }
    nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; font-size: 0.9rem; margin-bottom: 1rem }
    figure { margin: 1.5rem 0 }
    figure svg { display: block; width: auto; max-width: 100%; height: auto; margin: 0 auto }
    figure img { display: block; max-width: 100%; height: auto; margin: 0 auto; background: #ffffff }
    figcaption { font-size: 0.9rem; color: var(--secondary); margin: 0.5rem auto 0; max-width: 40rem }
    .files a { margin-left: 0.35rem; font-size: 0.8rem }
    .table { overflow-x: auto; margin: 1.25rem 0 0.5rem }
    table { border-collapse: collapse; font-size: 0.9rem; min-width: 60% }
    caption { text-align: left; font-weight: 600; padding-bottom: 0.35rem }
    th, td { text-align: left; padding: 0.2rem 1rem 0.2rem 0; border-bottom: 1px solid var(--rule); vertical-align: top }
    th { color: var(--secondary); font-weight: 600; white-space: nowrap }
    td:first-child { white-space: nowrap }
    .facts td:first-child { color: var(--secondary) }
    @media (max-width: 40rem) { td:first-child { white-space: normal } .facts td:first-child { white-space: nowrap } }
    .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
    .note { font-size: 0.9rem; color: var(--secondary); margin-top: 0.25rem }
    pre { overflow-x: auto; background: var(--shade); padding: 0.75rem; font-size: 0.85rem }
    summary { cursor: pointer }
    .fill-ink { fill: var(--ink) } .fill-secondary { fill: var(--secondary) }
    .fill-rule { fill: var(--rule) } .fill-paper { fill: var(--paper) }
    .stroke-ink { stroke: var(--ink) } .stroke-secondary { stroke: var(--secondary) }
    .stroke-rule { stroke: var(--rule) } .stroke-paper { stroke: var(--paper) }
    @media print { h2 { break-after: avoid } figure, table { break-inside: avoid } }
    """
}
