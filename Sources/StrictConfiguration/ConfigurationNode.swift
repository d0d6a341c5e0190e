/// A YAML value with its location.
///
/// Mappings keep the order of their keys. Scalars keep their text as written, so that each type is parsed by its own
/// strict grammar and errors can quote the text.
public struct ConfigurationNode: Sendable {
  /// One `key: value` of a mapping.
  public struct Entry: Sendable {
    /// The key.
    public var key: String
    /// The location of the key.
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

  /// The kind of value, with the value.
  public enum Content: Sendable {
    /// Nothing: an empty value, `~` or `null`.
    case null
    /// A scalar that YAML reads as a number or a boolean: its text.
    case plain(String)
    /// Text: quoted, or a plain scalar that is neither null, a number nor a boolean.
    case text(String)
    /// A list.
    case list([ConfigurationNode])
    /// A mapping; `inline` prints it on one line, as in `{a: 1, b: 2}`.
    case mapping([Entry], inline: Bool)
  }

  /// The value.
  public var content: Content
  /// The location of the value.
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

  /// The node at a dotted path such as `training.batch_size`; nil if the path is absent.
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
