import Diagnostics

/// A value that is decoded from a section of the configuration.
///
/// The initialiser reads every key that it knows, with its default; a key that it does not read is an error.
public protocol StrictlyDecodable {
  /// Reads the value's keys from a section.
  ///
  /// - Throws: `StructuredError` for a missing key, a wrong type or a value out of range.
  init(from section: inout ConfigurationSection) throws
}

/// A mapping that is decoded key by key.
///
/// Each read checks that the value has the right type and lies within its bounds, and records the value that it
/// returns, defaults included, in the order of the reads. So decoding a configuration also produces its complete,
/// resolved form.
public struct ConfigurationSection {
  /// The dotted path of the section, such as `training.optimizer`; empty for the root.
  public let path: String
  /// The location of the section.
  public let location: ConfigurationLocation
  private let entries: [ConfigurationNode.Entry]
  private var known: [String] = []
  private var resolved: [ConfigurationNode.Entry] = []

  init(_ node: ConfigurationNode, path: String) throws {
    guard case .mapping(let entries, _) = node.content else {
      let name = path.isEmpty ? "the configuration" : path
      throw StructuredError("\(name) is \(node.shown)", at: "\(node.location)", expected: "a mapping of keys to values")
    }
    self.entries = entries
    self.path = path
    location = node.location
  }

  // MARK: Sections

  /// Reads a section that decodes itself. An absent section has all its defaults.
  public mutating func section<Value: StrictlyDecodable>(_ key: String, as type: Value.Type = Value.self) throws
    -> Value
  {
    try section(key) { try Value(from: &$0) }
  }

  /// Reads a section with a closure; a key that the closure does not read is an error.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - inline: Whether the section is printed on one line, as in `{from: 0, to: 1}`.
  ///   - decode: Reads the section.
  public mutating func section<Value>(
    _ key: String, inline: Bool = false, _ decode: (inout ConfigurationSection) throws -> Value
  ) throws -> Value {
    let given = take(key)
    let node = given ?? ConfigurationNode(.mapping([], inline: inline), at: location)
    var inner = try ConfigurationSection(node, path: fullPath(key))
    let value: Value
    do { value = try decode(&inner) } catch {
      // The keys that are missing may be in a section whose name is misspelt.
      throw given == nil ? misspelling(of: key) ?? error : error
    }
    record(key, try inner.finish(inline: inline))
    return value
  }

  /// Reads a section whose first key is `name`; it may be written as the name alone, as in `optimizer: adam`.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - name: The default name.
  ///   - decode: Reads the section, `name` included.
  public mutating func named<Value>(
    _ key: String, default name: String, _ decode: (inout ConfigurationSection) throws -> Value
  ) throws -> Value {
    let given = take(key)
    let node: ConfigurationNode
    switch given?.content {
    case .mapping?: node = given ?? ConfigurationNode(.mapping([], inline: false), at: location)
    case .text?: node = Self.short(given?.content, at: given?.location ?? location)
    case nil: node = Self.short(.text(name), at: location)
    default:
      throw error(
        "is \(given?.shown ?? "absent")", at: key, expected: "a name such as \(name), or a mapping {name: \(name), …}")
    }
    var inner = try ConfigurationSection(node, path: fullPath(key))
    let value = try decode(&inner)
    record(key, try inner.finish())
    return value
  }

  private static func short(
    _ name: ConfigurationNode.Content?, at location: ConfigurationLocation
  ) -> ConfigurationNode {
    let value = ConfigurationNode(name ?? .null, at: location)
    return ConfigurationNode(.mapping([.init("name", at: location, value)], inline: false), at: location)
  }

  /// Reads a key that may be absent or null; both give nil.
  public mutating func optional<Value>(
    _ key: String, _ read: (inout ConfigurationSection, String) throws -> Value
  ) throws -> Value? {
    if let node = node(for: key) {
      guard case .null = node.content else { return try read(&self, key) }
    }
    _ = take(key)
    record(key, .null)
    return nil
  }

  /// Whether a key is present; does not read it.
  public func contains(_ key: String) -> Bool { node(for: key) != nil }

  /// Accepts keys whose value is null without listing them, for keys that earlier versions listed. Any other value of such a
  /// key is left unread, and so an unknown key.
  public mutating func ignoreNull(_ keys: String...) {
    for key in keys { if let node = node(for: key), case .null = node.content { _ = take(key) } }
  }

  // MARK: Reading nodes

  /// The node of a key, without marking the key as known.
  func node(for key: String) -> ConfigurationNode? { entries.first { $0.key == key }?.value }

  /// The keys that no read has marked as known, in their order.
  var unreadKeys: [String] { entries.map(\.key).filter { !known.contains($0) } }

  /// The node of a key; marks the key as known.
  mutating func take(_ key: String) -> ConfigurationNode? {
    precondition(!known.contains(key), "the decoder of \(path) reads \(key) twice")
    known.append(key)
    return node(for: key)
  }

  /// Records the resolved value of a key.
  mutating func record(_ key: String, _ content: ConfigurationNode.Content) {
    resolved.append(.init(key, at: location, ConfigurationNode(content, at: location)))
  }

  /// Reads one scalar, checks it, and records it.
  mutating func scalar<Value: ConfigurationScalar>(
    _ key: String, default value: Value?, expected: String, where isValid: (Value) -> Bool = { _ in true }
  ) throws -> Value {
    let node = take(key)
    guard let result = try node.map({ try read($0, at: fullPath(key), expected: expected, where: isValid) }) ?? value
    else { throw missing(key, expected: expected) }
    record(key, result.configurationContent)
    return result
  }

  /// Reads one scalar node; the path may be that of an element of a list.
  func read<Value: ConfigurationScalar>(
    _ node: ConfigurationNode, at path: String, expected: String, where isValid: (Value) -> Bool
  ) throws -> Value {
    switch Value.read(node) {
    case .success(let value) where isValid(value): return value
    case .success: throw StructuredError("\(path) is \(node.shown)", at: "\(node.location)", expected: expected)
    case .failure(let problem):
      let what = ["\(path) is \(node.shown)", problem.reason].compactMap { $0 }.joined(separator: ", ")
      throw StructuredError(what, at: "\(node.location)", expected: expected, action: problem.action)
    }
  }

  // MARK: Errors

  /// The dotted path of a key of this section.
  public func fullPath(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// An error about a key's value, with its location, for checks that concern several keys.
  public func error(
    _ what: String, at key: String, expected: String? = nil, action: String? = nil
  ) -> StructuredError {
    let place = node(for: key)?.location ?? location
    return StructuredError("\(fullPath(key)) \(what)", at: "\(place)", expected: expected, action: action)
  }

  /// The error for a key that is required but absent.
  ///
  /// - Parameters:
  ///   - key: the key.
  ///   - other: a key that may be given instead.
  ///   - expected: the expected value.
  ///   - action: what to do; by default, to add the key.
  public func missing(
    _ key: String, or other: String? = nil, expected: String, action: String? = nil
  ) -> StructuredError {
    // A misspelt key is both unknown and missing; "unknown" names the key that was written.
    misspelling(of: key) ?? other.flatMap { misspelling(of: $0) }
      ?? StructuredError(
        "the key \(fullPath(key)) is missing", at: "\(location)", expected: expected,
        action: action ?? "Add \(key) here.")
  }

  /// The error for an unknown key that is probably a misspelling of `key`; nil if there is none.
  private func misspelling(of key: String) -> StructuredError? {
    let unread = entries.filter { !known.contains($0.key) }
    guard let misspelt = nearestName(to: key, among: unread.map(\.key)) else { return nil }
    return unread.first { $0.key == misspelt }.map(unknown)
  }

  private func unknown(_ entry: ConfigurationNode.Entry) -> StructuredError {
    let guess = nearestName(to: entry.key, among: known).map { "Did you mean \($0)? " } ?? ""
    let list = known.isEmpty ? "There are no keys here." : "Known keys: \(known.joined(separator: ", "))."
    return StructuredError("unknown key \(fullPath(entry.key))", at: "\(entry.location)", action: guess + list)
  }

  /// Finishes decoding; throws if a key was not read.
  ///
  /// - Returns: the resolved mapping.
  func finish(inline: Bool = false) throws -> ConfigurationNode.Content {
    if let entry = entries.first(where: { !known.contains($0.key) }) { throw unknown(entry) }
    return .mapping(resolved, inline: inline)
  }
}
