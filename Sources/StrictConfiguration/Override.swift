import Diagnostics

/// One `--set path.to.key=value` option of the command line.
struct Override {
  private let text: String
  private let keys: [String]
  private let value: ConfigurationNode

  /// Parses an override; the value is YAML, so that lists and warm-ups can be set too.
  ///
  /// - Throws: `StructuredError` located at the override itself.
  init(_ assignment: String) throws {
    text = "--set \(assignment)"
    let place = ConfigurationLocation(source: text)
    let halves = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    keys = halves[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let named = keys.allSatisfy { key in
      !key.isEmpty && key.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }
    }
    guard halves.count == 2, named else {
      throw StructuredError("not an assignment", at: text, expected: "path.to.key=value, as in --set objective.beta=6")
    }
    value = try YAML.read(String(halves[1]), location: { _, _ in place }) ?? ConfigurationNode(.null, at: place)
  }

  /// Sets the value in a tree; creates missing mappings along the path.
  func apply(to root: inout ConfigurationNode) throws {
    try set(keys[...], in: &root, path: "")
  }

  private func set(_ keys: ArraySlice<String>, in node: inout ConfigurationNode, path: String) throws {
    guard let key = keys.first else {
      node = value
      return
    }
    let place = ConfigurationLocation(source: text)
    if case .null = node.content { node = ConfigurationNode(.mapping([], inline: false), at: place) }
    guard case .mapping(var entries, let inline) = node.content else {
      throw StructuredError(
        "\(path) is \(node.shown) (\(node.location)) and has no key \(key)", at: text, expected: "the path of a key")
    }
    let index = entries.firstIndex { $0.key == key } ?? entries.endIndex
    if index == entries.endIndex { entries.append(.init(key, at: place, ConfigurationNode(.null, at: place))) }
    try set(keys.dropFirst(), in: &entries[index].value, path: path.isEmpty ? key : "\(path).\(key)")
    node.content = .mapping(entries, inline: inline)
  }
}
