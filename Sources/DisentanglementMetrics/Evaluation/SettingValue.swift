import StrictConfiguration

/// A value of a configuration, to be written as JSON.
public enum SettingValue: Sendable, Equatable, Encodable {
  /// Nothing.
  case null
  /// A whole number.
  case integer(Int)
  /// A number.
  case number(Double)
  /// True or false.
  case boolean(Bool)
  /// Text.
  case text(String)
  /// A list.
  case list([SettingValue])
  /// A section.
  case section([String: SettingValue])

  /// Converts a node of a configuration.
  public init(_ node: ConfigurationNode) {
    switch node.content {
    case .null: self = .null
    case .plain(let text):
      self =
        Int(text).map(Self.integer) ?? Double(text).map(Self.number) ?? Bool(text).map(Self.boolean) ?? .text(text)
    case .text(let text): self = .text(text)
    case .list(let nodes): self = .list(nodes.map { SettingValue($0) })
    case .mapping(let entries, _):
      self = .section(Dictionary(entries.map { ($0.key, SettingValue($0.value)) }) { $1 })
    }
  }

  /// Writes the value.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .integer(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .boolean(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    case .list(let values): try container.encode(values)
    case .section(let values): try container.encode(values)
    }
  }
}
