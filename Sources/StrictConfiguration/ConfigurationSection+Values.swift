import Diagnostics

extension ConfigurationSection {
  /// Reads a finite number.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - value: The default; nil makes the key required.
  ///   - bounds: The numbers that are allowed.
  /// - Throws: `StructuredError` if the key is missing, not a finite number, or out of bounds.
  public mutating func number(
    _ key: String, default value: Double? = nil, in bounds: Bounds<Double> = .any
  ) throws -> Double {
    try scalar(key, default: value, expected: bounds.describe(Double.kind)) { bounds.contains($0) }
  }

  /// Reads a whole number; `1e3` is accepted, `1.5` is not.
  public mutating func integer(
    _ key: String, default value: Int? = nil, in bounds: Bounds<Int> = .any
  ) throws -> Int {
    try scalar(key, default: value, expected: bounds.describe(Int.kind)) { bounds.contains($0) }
  }

  /// Reads `true` or `false`.
  public mutating func boolean(_ key: String, default value: Bool? = nil) throws -> Bool {
    try scalar(key, default: value, expected: Bool.kind)
  }

  /// Reads text that is not empty.
  public mutating func string(_ key: String, default value: String? = nil) throws -> String {
    try scalar(key, default: value, expected: "text") { !$0.isEmpty }
  }

  /// Reads the name of a file or folder: one part of a path; see `FileName`.
  public mutating func fileName(_ key: String, default value: String? = nil) throws -> String {
    try scalar(key, default: value, expected: FileName.expectation) { FileName.isValid($0) }
  }

  /// Reads one of several names, such as those of a registry.
  public mutating func choice(_ key: String, among names: [String], default value: String? = nil) throws -> String {
    let expected = "one of \(names.joined(separator: ", "))"
    if let node = node(for: key), case .text(let text) = node.content, !names.contains(text) {
      let guess = nearestName(to: text, among: names).map { "Did you mean \($0)?" }
      throw error("is \(node.shown)", at: key, expected: expected, action: guess)
    }
    return try scalar(key, default: value, expected: expected) { names.contains($0) }
  }

  /// Reads one case of an enumeration by its raw value.
  public mutating func choice<Name: RawRepresentable<String> & CaseIterable>(
    _ key: String, as type: Name.Type = Name.self, default value: Name? = nil
  ) throws -> Name {
    let names = Name.allCases.map(\.rawValue)
    let text = try choice(key, among: names, default: value?.rawValue)
    guard let name = Name(rawValue: text) else {
      throw error("is '\(text)'", at: key, expected: "one of \(names.joined(separator: ", "))")
    }
    return name
  }

  /// Reads the name of an entry of a registry.
  public mutating func entry<Entry: RegistryEntry>(
    _ key: String, of registry: Registry<Entry>, default name: String? = nil
  ) throws -> Entry {
    let name = try choice(key, among: registry.names, default: name)
    return try registry.entry(named: name, at: fullPath(key))
  }

  /// Reads a list of finite numbers.
  public mutating func numbers(
    _ key: String, default value: [Double]? = nil, in bounds: Bounds<Double> = .any, count: Bounds<Int> = .any
  ) throws -> [Double] {
    try list(key, default: value, element: bounds.describe(Double.kind), count: count) { bounds.contains($0) }
  }

  /// Reads a list of whole numbers.
  public mutating func integers(
    _ key: String, default value: [Int]? = nil, in bounds: Bounds<Int> = .any, count: Bounds<Int> = .any
  ) throws -> [Int] {
    try list(key, default: value, element: bounds.describe(Int.kind), count: count) { bounds.contains($0) }
  }

  /// Reads a list of texts.
  public mutating func strings(
    _ key: String, default value: [String]? = nil, count: Bounds<Int> = .any
  ) throws -> [String] {
    try list(key, default: value, element: "text", count: count) { !$0.isEmpty }
  }

  private mutating func list<Value: ConfigurationScalar>(
    _ key: String, default value: [Value]?, element: String, count: Bounds<Int>, where isValid: (Value) -> Bool
  ) throws -> [Value] {
    let number = count.describe("")
    let expected = "a list [a, b, …], each element \(element)" + (number.isEmpty ? "" : ", its length \(number)")
    guard let node = take(key) else {
      guard let value else { throw missing(key, expected: expected) }
      record(key, value)
      return value
    }
    guard case .list(let nodes) = node.content else { throw error("is \(node.shown)", at: key, expected: expected) }
    let result: [Value] = try nodes.enumerated().map { index, node in
      try read(node, at: "\(fullPath(key))[\(index)]", expected: element, where: isValid)
    }
    guard count.contains(result.count) else {
      throw error("has \(result.count) elements", at: key, expected: expected)
    }
    record(key, result)
    return result
  }

  private mutating func record<Value: ConfigurationScalar>(_ key: String, _ values: [Value]) {
    record(key, .list(values.map { ConfigurationNode($0.configurationContent, at: location) }))
  }
}
