import Diagnostics

extension ConfigurationSection {
  /// Reads a list of sections, each with a closure; a key that the closure does not read is an error.
  ///
  /// - Parameters:
  ///   - key: The key; absent, the list is empty.
  ///   - decode: Reads one section.
  /// - Throws: `StructuredError` if the value is no list of mappings, and what `decode` throws.
  public mutating func sections<Value>(
    _ key: String, _ decode: (inout ConfigurationSection) throws -> Value
  ) throws -> [Value] {
    let nodes = try elements(of: key, expected: "a list of mappings") ?? []
    var values: [Value] = [], contents: [ConfigurationNode] = []
    for (index, node) in nodes.enumerated() {
      var inner = try ConfigurationSection(node, path: "\(fullPath(key))[\(index)]")
      values.append(try decode(&inner))
      contents.append(ConfigurationNode(try inner.finish(inline: true), at: node.location))
    }
    record(key, .list(contents))
    return values
  }

  /// Reads a list of values of any kind, each as YAML on one line, as an override takes it after `=`.
  ///
  /// - Throws: `StructuredError` if the key is missing or its value is no list, or an empty one.
  public mutating func values(_ key: String) throws -> [String] {
    let expected = "a list [a, b, …] of one or more values"
    guard let nodes = try elements(of: key, expected: expected) else { throw missing(key, expected: expected) }
    if nodes.isEmpty { throw error("has 0 elements", at: key, expected: expected) }
    record(key, .list(nodes))
    return nodes.map(\.flow)
  }

  /// Reads all keys of this section that are not read yet, as dotted paths of another configuration with one-line YAML as
  /// their values, in their order: `{objective.name: vae, seed: 3}`.
  public mutating func assignments() -> [(path: String, value: String)] {
    unreadKeys.compactMap { key in
      guard let node = take(key) else { return nil }
      record(key, node.content)
      return (key, node.flow)
    }
  }

  /// Whether a key is present with a mapping as its value; does not read it.
  public func isMapping(_ key: String) -> Bool {
    guard case .mapping? = node(for: key)?.content else { return false }
    return true
  }

  private mutating func elements(of key: String, expected: String) throws -> [ConfigurationNode]? {
    guard let node = take(key) else { return nil }
    guard case .list(let nodes) = node.content else { throw error("is \(node.shown)", at: key, expected: expected) }
    return nodes
  }
}

extension ConfigurationNode {
  /// The value as YAML on one line; text is in quotation marks unless it is a simple word.
  var flow: String {
    switch content {
    case .null: return "null"
    case .plain(let text): return text
    case .text(let text): return Self.isWord(text) ? text : Self.quoted(text)
    case .list(let nodes): return "[\(nodes.map(\.flow).joined(separator: ", "))]"
    case .mapping(let entries, _):
      let parts = entries.map { "\(Self.isWord($0.key) ? $0.key : Self.quoted($0.key)): \($0.value.flow)" }
      return "{\(parts.joined(separator: ", "))}"
    }
  }

  /// Whether text needs no quotation marks: it begins with a letter, and no YAML parser reads it as something else.
  private static func isWord(_ text: String) -> Bool {
    let other: Set<String> = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity"]
    return text.first?.isLetter == true && !other.contains(text.lowercased())
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_-./".contains($0)) }
  }

  /// Text in double quotation marks, with escapes that YAML and JSON share.
  private static func quoted(_ text: String) -> String {
    let escaped = text.unicodeScalars.map { scalar -> String in
      switch scalar {
      case "\"": return "\\\""
      case "\\": return "\\\\"
      case _ where scalar.value < 0x20 || scalar.value == 0x7f:
        let digits = String(scalar.value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: return String(scalar)
      }
    }
    return "\"\(escaped.joined())\""
  }
}
