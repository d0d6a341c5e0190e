/// Text that came from a file, a configuration or a command line, made safe to show.
///
/// The names of factors, runs and arrays are whatever a file says. A terminal obeys escape sequences in them, Markdown
/// reads links, a spreadsheet reads formulas. They are escaped where they are shown, and kept as they are elsewhere.
extension StringProtocol {
  /// The text with every character that a terminal would obey instead of showing replaced by its escape, `\u001b`.
  ///
  /// These are the control characters (U+0000–001F, U+007F–009F), the separators of lines and paragraphs (U+2028, U+2029),
  /// and the characters that reorder text (U+202A–202E, U+2066–2069). The escapes are those of JSON, so that JSON text
  /// keeps its meaning.
  ///
  /// - Parameter keepsLines: Whether line feeds and tabs stay as they are.
  public func escapingControls(keepsLines: Bool = false) -> String {
    guard unicodeScalars.contains(where: { $0.isControl && !(keepsLines && $0.isLayout) }) else { return String(self) }
    var result = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      if scalar.isControl && !(keepsLines && scalar.isLayout) {
        let digits = String(scalar.value, radix: 16)
        result.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).unicodeScalars)
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }

  /// The text as plain text within GitHub-flavoured Markdown: no emphasis, code, link, image, HTML or table cell begins
  /// in it.
  package func escapedForMarkdown() -> String {
    var result = "", previous: Character?
    let characters = Array(escapingControls())
    for (index, character) in characters.enumerated() {
      // An underscore within a word has no meaning: factor_vae.
      let isInWord =
        previous.map(Self.isWord) ?? false && index + 1 < characters.count && Self.isWord(characters[index + 1])
      if "\\`*[]<>|".contains(character) || character == "_" && !isInWord { result += "\\" }
      result.append(character)
      previous = character
    }
    return result
  }

  /// The text as a cell of comma-separated values, quoted where it must be.
  ///
  /// A spreadsheet computes a cell that begins with `=`, `+`, `-` or `@`: such a text gets an apostrophe before it.
  /// Numbers are not texts and are written without this function.
  package func csvCell() -> String {
    var text = escapingControls()
    if let first = text.first, "=+-@".contains(first) { text = "'" + text }
    guard text.contains(where: { "\",;'".contains($0) || $0.isWhitespace }) else { return text }
    return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }

  private static func isWord(_ character: Character) -> Bool { character.isLetter || character.isNumber }
}

extension Unicode.Scalar {
  /// Whether it moves or changes what follows instead of being shown.
  package var isControl: Bool {
    switch value {
    case 0...0x1F, 0x7F...0x9F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  fileprivate var isLayout: Bool { self == "\n" || self == "\t" }
}
