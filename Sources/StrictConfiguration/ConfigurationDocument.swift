import Diagnostics
import Foundation

/// A configuration file with the command line's overrides applied, ready to be decoded.
public struct ConfigurationDocument: Sendable {
  /// The largest file that is taken for a configuration, in bytes.
  private static let largest = 1 << 20

  private(set) var root: ConfigurationNode

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: The YAML file.
  ///   - overrides: Assignments as `objective.beta=6`, applied in order.
  /// - Throws: `StructuredError` if the file cannot be read, is not one YAML mapping, or an override does not fit.
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
  ///   - source: What errors call it, as a file's path.
  ///   - overrides: Assignments as `objective.beta=6`, applied in order.
  /// - Throws: `StructuredError` if the text is not one YAML mapping, or an override does not fit.
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

  /// Decodes the whole document.
  ///
  /// - Throws: `StructuredError` at the first key that is unknown, missing, of a wrong type or out of bounds.
  public func decode<Value: StrictlyDecodable>(_ type: Value.Type = Value.self) throws -> ResolvedConfiguration<Value> {
    try decode { try Value(from: &$0) }
  }

  /// Decodes the whole document by a closure, for values that are read with something at hand, as a registry.
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

  /// What was written at a dotted path, as `objective.beta`; nil where nothing was.
  public subscript(path: String) -> ConfigurationNode? { root[path] }

  /// Where the value of a dotted path was written; where its nearest enclosing section was, if the path is absent.
  public func location(of path: String) -> ConfigurationLocation {
    var keys = path.split(separator: ".")[...]
    while !keys.isEmpty {
      if let node = root[keys.joined(separator: ".")] { return node.location }
      keys.removeLast()
    }
    return root.location
  }
}

/// A decoded value together with its complete listing.
public struct ResolvedConfiguration<Value> {
  /// The value.
  public let value: Value
  /// Every key with its value, defaults included, as YAML; decodes to an equal value.
  public let yaml: String
  /// The document that it came from: tells later checks where a key was written.
  public let document: ConfigurationDocument
}

extension ResolvedConfiguration: Sendable where Value: Sendable {}
