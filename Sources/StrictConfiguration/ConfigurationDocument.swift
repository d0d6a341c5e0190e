import Diagnostics
import Foundation

/// A configuration file with the command line's overrides applied, ready to be decoded.
public struct ConfigurationDocument: Sendable {
  /// The largest size of a configuration file, in bytes.
  private static let largest = 1 << 20

  private(set) var root: ConfigurationNode

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: The YAML file.
  ///   - overrides: Assignments such as `objective.beta=6`, applied in order.
  /// - Throws: `StructuredError` if the file cannot be read, is not one YAML mapping, or an override is invalid.
  public init(path: String, overrides: [String] = []) throws {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw StructuredError("there is no such file", at: path, expected: "a YAML configuration")
    }
    if isDirectory.boolValue {
      throw StructuredError("is a directory", at: path, expected: "a YAML configuration file")
    }
    let data: Data
    do {
      let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      data = try file.read(upToCount: Self.largest + 1) ?? Data()
    } catch {
      throw StructuredError("the file cannot be read", at: path, action: "Check its permissions.")
    }
    guard data.count <= Self.largest else {
      throw StructuredError("is larger than 1 MiB", at: path, expected: "a YAML configuration file")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw StructuredError("is not UTF-8 text", at: path, expected: "a YAML configuration file")
    }
    try self.init(yaml: text, source: path, overrides: overrides)
  }

  /// Reads YAML text.
  ///
  /// - Parameters:
  ///   - yaml: The text.
  ///   - source: The name of the source in error messages, such as a file's path.
  ///   - overrides: Assignments such as `objective.beta=6`, applied in order.
  /// - Throws: `StructuredError` if the text is not one YAML mapping, or an override is invalid.
  public init(yaml: String, source: String, overrides: [String] = []) throws {
    let text = yaml.hasPrefix("\u{FEFF}") ? String(yaml.dropFirst()) : yaml
    let node = try YAML.read(text) { line, column in
      ConfigurationLocation(source: source, line: line, column: column)
    }
    guard let node else {
      throw StructuredError("the configuration is empty", at: source, expected: "a mapping of keys to values")
    }
    root = node
    _ = try ConfigurationSection(root, path: "")
    for assignment in overrides { try Override(assignment).apply(to: &root) }
  }

  /// The document with further overrides applied, in order.
  ///
  /// - Throws: `StructuredError` if an override is invalid.
  public func overriding(_ overrides: [String]) throws -> ConfigurationDocument {
    var result = self
    for assignment in overrides { try Override(assignment).apply(to: &result.root) }
    return result
  }

  /// Decodes the whole document.
  ///
  /// - Throws: `StructuredError` at the first key that is unknown, missing, of a wrong type or out of bounds.
  public func decode<Value: StrictlyDecodable>(_ type: Value.Type = Value.self) throws -> ResolvedConfiguration<Value> {
    try decode { try Value(from: &$0) }
  }

  /// Decodes the whole document with a closure, for values whose decoding needs a context such as a registry.
  ///
  /// - Throws: `StructuredError` at the first key that is unknown, missing, of a wrong type or out of bounds.
  public func decode<Value>(
    _ read: (inout ConfigurationSection) throws -> Value
  ) throws -> ResolvedConfiguration<Value> {
    var section = try ConfigurationSection(root, path: "")
    let value = try read(&section)
    let resolved = ConfigurationNode(try section.finish(), at: root.location)
    return ResolvedConfiguration(value: value, yaml: try YAML.write(resolved), document: self)
  }

  /// The values of the complete configuration by their dotted paths, defaults included, as ``values`` of what `decode`
  /// returns; without writing it, which takes longer than reading.
  ///
  /// - Throws: as `decode`.
  public func completeValues<Value>(
    _ read: (inout ConfigurationSection) throws -> Value
  ) throws -> [(path: String, value: String)] {
    var section = try ConfigurationSection(root, path: "")
    _ = try read(&section)
    return ConfigurationNode(try section.finish(), at: root.location).values
  }

  /// The node at a dotted path such as `objective.beta`; nil if the path is absent.
  public subscript(path: String) -> ConfigurationNode? { root[path] }

  /// The location of the value at a dotted path; of its nearest enclosing section if the path is absent.
  public func location(of path: String) -> ConfigurationLocation {
    var keys = path.split(separator: ".")[...]
    while !keys.isEmpty {
      if let node = root[keys.joined(separator: ".")] { return node.location }
      keys.removeLast()
    }
    return root.location
  }
}

/// A decoded value and the complete configuration that it stands for.
public struct ResolvedConfiguration<Value> {
  /// The value.
  public let value: Value
  /// Every key with its value, defaults included, as YAML that decodes to an equal value.
  public let yaml: String
  /// The document that was decoded, which locates keys for later checks.
  public let document: ConfigurationDocument
}

extension ResolvedConfiguration: Sendable where Value: Sendable {}
