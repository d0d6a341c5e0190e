/// An entry of a ``Registry``, which configurations and command lines refer to by name.
public protocol RegistryEntry: Sendable {
  /// The name, unique in its registry.
  var name: String { get }
}

/// An ordered list of named entries, a value: a program starts from the standard entries and adds its own.
public struct Registry<Entry: RegistryEntry>: Sendable {
  /// The kind of entry, singular with its article, for messages: "an objective".
  public let kind: String
  /// The entries in the order they are listed.
  public private(set) var entries: [Entry] = []

  /// Makes a registry.
  ///
  /// - Precondition: the names are unique.
  public init(_ kind: String, _ entries: [Entry]) {
    self.kind = kind
    for entry in entries { add(entry) }
  }

  /// Adds an entry at the end of the list.
  ///
  /// - Precondition: the registry has no entry of that name.
  public mutating func add(_ entry: Entry) {
    precondition(self[entry.name] == nil, "\(kind) named \"\(entry.name)\" is already registered")
    entries.append(entry)
  }

  /// The names in the order they are listed.
  public var names: [String] { entries.map(\.name) }

  /// The entry with a name, or nil.
  public subscript(_ name: String) -> Entry? { entries.first { $0.name == name } }

  /// The entry with a name.
  ///
  /// - Parameters:
  ///   - name: the name.
  ///   - location: where the name was written, for the error message.
  /// - Throws: ``StructuredError`` if there is no such entry; it lists the names and suggests the nearest.
  public func entry(named name: String, at location: String) throws -> Entry {
    if let entry = self[name] { return entry }
    throw StructuredError(
      "\"\(name)\" is not \(kind)", at: location, expected: "one of \(names.joined(separator: ", "))",
      action: nearestName(to: name, among: names).map { "Did you mean \($0)?" })
  }
}
