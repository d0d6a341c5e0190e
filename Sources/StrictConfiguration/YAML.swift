import Diagnostics
import Yams

/// Converts YAML text to ``ConfigurationNode`` and back; the only file that imports Yams.
///
/// A subset of YAML that every YAML parser reads alike: one document, no anchors or aliases, no explicit tags, scalar
/// keys, at most 32 levels.
enum YAML {
  private static let deepest = 32

  /// Makes a location of a line and a column, where they are known.
  typealias Locator = (_ line: Int?, _ column: Int?) -> ConfigurationLocation

  // MARK: Reading

  /// Reads one document.
  ///
  /// - Throws: `StructuredError` with file, line and column for anything outside the subset.
  static func read(_ text: String, location: Locator) throws -> ConfigurationNode? {
    if let alias = firstAlias(in: text) {
      throw StructuredError(
        "YAML anchors and aliases (&name, *name) are not supported", at: "\(location(alias.line, alias.column))",
        action: "Write the value out.")
    }
    do {
      let parser = try Parser(yaml: text, encoding: .utf8)
      return try parser.singleRoot().map { try convert($0, depth: 0, location) }
    } catch let error as YamlError {
      throw explain(error, text, location)
    }
  }

  private static func convert(
    _ node: Node, depth: Int, _ location: Locator
  ) throws -> ConfigurationNode {
    let place = location(node.mark?.line, node.mark?.column)
    guard depth < deepest else {
      throw StructuredError("the configuration is nested deeper than \(deepest) levels", at: "\(place)")
    }
    switch node {
    case .scalar(let scalar):
      try checkTag(scalar.tag, place)
      guard scalar.style == .plain else { return ConfigurationNode(.text(scalar.string), at: place) }
      return ConfigurationNode(content(ofPlain: scalar.string), at: place)
    case .sequence(let sequence):
      try checkTag(sequence.tag, place)
      let nodes = try sequence.map { try convert($0, depth: depth + 1, location) }
      return ConfigurationNode(.list(nodes), at: place)
    case .mapping(let mapping):
      try checkTag(mapping.tag, place)
      var entries: [ConfigurationNode.Entry] = []
      for (key, value) in mapping {
        let keyPlace = location(key.mark?.line, key.mark?.column)
        guard case .scalar(let scalar) = key else {
          throw StructuredError("a key is a list or a mapping", at: "\(keyPlace)", expected: "a name")
        }
        if entries.contains(where: { $0.key == scalar.string }) { throw duplicate(scalar.string, keyPlace) }
        entries.append(.init(scalar.string, at: keyPlace, try convert(value, depth: depth + 1, location)))
      }
      return ConfigurationNode(.mapping(entries, inline: mapping.style == .flow), at: place)
    case .alias:
      throw StructuredError("YAML aliases are not supported", at: "\(place)", action: "Write the value out.")
    }
  }

  /// The content of a scalar without quotation marks.
  private static func content(ofPlain text: String) -> ConfigurationNode.Content {
    switch Node(text).tag {
    case Tag(.null): return .null
    case Tag(.int), Tag(.float), Tag(.bool): return .plain(text)
    // Numbers that Yams' grammar misses, such as +1.5, and words that other parsers read as numbers.
    default: return Double(text) == nil ? .text(text) : .plain(text)
    }
  }

  private static func checkTag(_ tag: Tag, _ place: ConfigurationLocation) throws {
    // Quoted text has the tag of a string; every other node without `!` has the implicit tag.
    guard tag != Tag(.implicit), tag != Tag(.str) else { return }
    throw StructuredError("the YAML tag \(tag.rawValue) is not supported", at: "\(place)", action: "Remove the tag.")
  }

  /// The first `*name` for which there is an `&name`, each at the start of a word.
  ///
  /// Checked before parsing, because nested aliases in a small file can expand to an exponentially large tree.
  private static func firstAlias(in text: String) -> (line: Int, column: Int)? {
    guard text.contains("&"), text.contains("*") else { return nil }
    var anchors: Set<Substring> = []
    var aliases: [(name: Substring, line: Int, column: Int)] = []
    for (line, content) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      var previous: Character = " "
      for index in content.indices {
        let character = content[index]
        defer { previous = character }
        guard character == "&" || character == "*", previous.isWhitespace || "[{,:".contains(previous) else { continue }
        let name = content[content.index(after: index)...].prefix { $0.isLetter || $0.isNumber || "_-".contains($0) }
        if name.isEmpty { continue }
        if character == "&" { anchors.insert(name) }
        let column = content.unicodeScalars.distance(from: content.startIndex, to: index) + 1
        if character == "*" { aliases.append((name, line + 1, column)) }
      }
    }
    return aliases.first { anchors.contains($0.name) }.map { ($0.line, $0.column) }
  }

  private static func duplicate(_ key: String, _ place: ConfigurationLocation) -> StructuredError {
    StructuredError("the key \(key) appears twice in one mapping", at: "\(place)", action: "Remove one of the two.")
  }

  private static func explain(
    _ error: YamlError, _ text: String, _ location: Locator
  ) -> StructuredError {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let place = "\(location(mark.line, mark.column))"
      if character(at: mark, in: text) == "\t" {
        return StructuredError("a tab character", at: place, action: "YAML is indented with spaces.")
      }
      if problem.contains("another document") {
        return StructuredError("a second YAML document begins here", at: place, expected: "one document in the file")
      }
      let about = context.map { " (\($0.text))" } ?? ""
      return StructuredError("not valid YAML: \(problem)\(about)", at: place)
    case .reader(let problem, _, _, _):
      return StructuredError("not valid YAML: \(problem)", at: "\(location(nil, nil))")
    case .duplicatedKeysInMapping(let names, let context):
      return duplicate(names.joined(separator: ", "), location(context.mark.line, context.mark.column))
    default:
      return StructuredError("not valid YAML: \(error)", at: "\(location(nil, nil))")
    }
  }

  private static func character(at mark: Mark, in text: String) -> Character? {
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    guard lines.indices.contains(mark.line - 1) else { return nil }
    return lines[mark.line - 1].dropFirst(mark.column - 1).first
  }

  // MARK: Writing

  /// The node as YAML text that ``read(_:location:)`` and other YAML parsers read back as the same values.
  static func write(_ node: ConfigurationNode) throws -> String {
    do {
      return try serialize(node: convert(node), indent: 2, width: -1, allowUnicode: true)
    } catch let error as YamlError {
      throw StructuredError("the configuration cannot be written as YAML: \(error)")
    }
  }

  private static func convert(_ node: ConfigurationNode) -> Node {
    switch node.content {
    case .null: return Node("null", .implicit, .plain)
    case .plain(let text): return Node(text, .implicit, .plain)
    case .text(let text):
      guard case .text = content(ofPlain: text) else { return Node(text, Tag(.str), .singleQuoted) }
      let needsEscapes = text.unicodeScalars.contains { $0.value < 32 }
      return Node(text, Tag(.str), needsEscapes ? .doubleQuoted : .plain)
    case .list(let nodes): return Node(nodes.map(convert), .implicit, .flow)
    case .mapping(let entries, let inline):
      return Node(entries.map { (Node($0.key), convert($0.value)) }, .implicit, inline ? .flow : .block)
    }
  }
}
