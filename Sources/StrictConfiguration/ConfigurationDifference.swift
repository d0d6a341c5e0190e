import Diagnostics

/// A key in which two configurations differ.
public struct ConfigurationDifference: Sendable, Equatable, CustomStringConvertible {
  /// The key's dotted path, as `training.batch_size`.
  public let path: String
  /// Its value in the first configuration as text; nil where it has none.
  public let first: String?
  /// Its value in the second configuration as text; nil where it has none.
  public let second: String?

  /// "training.batch_size is 64, not 32": the first value, then the second.
  public var description: String {
    switch (first, second) {
    case (let first?, let second?): "\(path) is \(first), not \(second)"
    case (let first?, nil): "\(path) is \(first), not absent"
    case (nil, let second?): "\(path) is absent, not \(second)"
    case (nil, nil): path
    }
  }
}

extension [ConfigurationDifference] {
  /// The first few differences in words, and how many there are besides.
  public var summary: String {
    let shown = 3
    return prefix(shown).map(\.description).joined(separator: "; ")
      + (count > shown ? "; and \(count - shown) other keys" : "")
  }
}

extension ConfigurationDocument {
  /// All values by their dotted paths, in the order in which they were written. A list is one value.
  public var values: [(path: String, value: String)] {
    root.values
  }

  /// The keys in which this configuration differs from another, in the order of this one and then of the other.
  ///
  /// Values are compared by meaning: `1e-4` equals `0.0001`, and the order of keys does not matter. Defaults are not
  /// filled in: compare what `decode` returned.
  public func differences(from other: ConfigurationDocument) -> [ConfigurationDifference] {
    let mine = root.leaves(at: ""), others = other.root.leaves(at: "")
    let table = Dictionary(others.map { ($0.path, $0.node) }) { first, _ in first }
    let known = Set(mine.map(\.path))
    return mine.compactMap { path, node in
      let value = table[path]
      if let value, node.means(value) { return nil }
      return ConfigurationDifference(path: path, first: node.text, second: value?.text)
    }
      + others.filter { !known.contains($0.path) }
      .map { ConfigurationDifference(path: $0.path, first: nil, second: $0.node.text) }
  }
}

extension ConfigurationNode {
  /// All values by their dotted paths.
  var values: [(path: String, value: String)] { leaves(at: "").map { ($0.path, $0.node.text) } }

  /// The values below this node that are no mappings. An absent value (null) is left out, and so is an empty mapping.
  fileprivate func leaves(at path: String) -> [(path: String, node: ConfigurationNode)] {
    switch content {
    case .null: return []
    case .mapping(let entries, _):
      return entries.flatMap { $0.value.leaves(at: path.isEmpty ? $0.key : "\(path).\($0.key)") }
    default: return [(path, self)]
    }
  }

  /// The value as text.
  fileprivate var text: String {
    switch content {
    case .null: return "null"
    case .plain(let text): return text
    case .text(let text): return Double(text) == nil ? text : "'\(text)'"
    case .list(let nodes): return "[\(nodes.map(\.text).joined(separator: ", "))]"
    case .mapping(let entries, _):
      return "{\(entries.map { "\($0.key): \($0.value.text)" }.joined(separator: ", "))}"
    }
  }

  /// Whether two values mean the same.
  fileprivate func means(_ other: ConfigurationNode) -> Bool {
    switch (content, other.content) {
    case (.null, .null): return true
    case (.plain(let a), .plain(let b)):
      // Integers are compared as text first: a double holds no more than 53 bits.
      if a == b { return true }
      guard Int(a) == nil || Int(b) == nil, let a = Double(a), let b = Double(b) else { return false }
      return a == b
    case (.text(let a), .text(let b)): return a == b
    case (.list(let a), .list(let b)): return a.count == b.count && zip(a, b).allSatisfy { $0.means($1) }
    case (.mapping(let a, _), .mapping(let b, _)):
      return a.count == b.count
        && a.allSatisfy { entry in b.contains { $0.key == entry.key && entry.value.means($0.value) } }
    default: return false
    }
  }
}
