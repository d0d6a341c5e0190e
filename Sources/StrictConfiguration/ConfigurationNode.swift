/// A YAML value, plain and Sendable, that remembers where it was written.
///
/// Mappings keep the order of their keys; scalars keep their text as written, so that each reader applies its own
/// strict grammar and an error can quote what the person typed.
public struct ConfigurationNode: Sendable {
  /// One `key: value` of a mapping.
  public struct Entry: Sendable {
    /// The key.
    public var key: String
    /// Where the key stands.
    public var location: ConfigurationLocation
    /// Its value.
    public var value: ConfigurationNode

    /// Makes an entry.
    public init(_ key: String, at location: ConfigurationLocation, _ value: ConfigurationNode) {
      self.key = key
      self.location = location
      self.value = value
    }
  }

  /// What the value is.
  public enum Content: Sendable {
    /// Nothing: an empty value, `~` or `null`.
    case null
    /// A scalar that YAML reads as a number or a truth value: its text.
    case plain(String)
    /// Text: quoted, or a plain scalar that nothing else claims.
    case text(String)
    /// A list.
    case list([ConfigurationNode])
    /// A mapping; `inline` prints it on one line as `{a: 1, b: 2}`.
    case mapping([Entry], inline: Bool)
  }

  /// The value.
  public var content: Content
  /// Where it was written.
  public var location: ConfigurationLocation

  /// Makes a node.
  public init(_ content: Content, at location: ConfigurationLocation) {
    self.content = content
    self.location = location
  }

  /// The value as an error message quotes it.
  public var shown: String {
    switch content {
    case .null: return "empty"
    case .plain(let text): return text
    case .text(let text): return "'\(text.count > 60 ? text.prefix(60) + "…" : text[...])'"
    case .list: return "a list"
    case .mapping: return "a mapping"
    }
  }

  /// The node at a dotted path, as `training.batch_size`; nil where there is none.
  public subscript(path: String) -> ConfigurationNode? {
    var node = self
    for key in path.split(separator: ".") {
      guard case .mapping(let entries, _) = node.content, let entry = entries.first(where: { $0.key == key })
      else { return nil }
      node = entry.value
    }
    return node
  }
}
