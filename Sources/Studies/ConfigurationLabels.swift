import Foundation

/// Names for groups of runs, from what their configurations differ in.
package struct ConfigurationLabels {
  /// What does not make two runs different experiments.
  private static let ignored: Set<String> = ["name", "seed"]
  private static let ignoredPrefixes = [
    "report.", "training.checkpoint_every", "training.log_every", "training.decompose_",
  ]

  /// The values of a resolved configuration by their paths, without what does not make a difference.
  package static func values(of yaml: String) -> [(path: String, value: String)] {
    var parents: [(indent: Int, key: String)] = [], values: [(path: String, value: String)] = []
    for line in yaml.split(separator: "\n") {
      let indent = line.prefix { $0 == " " }.count
      parents.removeAll { $0.indent >= indent }
      let halves = line.dropFirst(indent).split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard halves.count == 2 else { continue }
      let key = String(halves[0]), value = halves[1].trimmingCharacters(in: .whitespaces)
      let path = (parents.map(\.key) + [key]).joined(separator: ".")
      parents.append((indent, key))
      guard !value.isEmpty, !ignored.contains(path), !ignoredPrefixes.contains(where: path.hasPrefix) else { continue }
      values.append((path, value))
    }
    return values
  }

  /// A name for each configuration: the values in which those that have a key differ; where that does not tell all of
  /// them apart, all values that some have and others have not; `fallback` where nothing differs.
  package static func labels(
    _ configurations: [[(path: String, value: String)]], fallback: [String]
  ) -> [String] {
    let tables = configurations.map { Dictionary($0.map { ($0.path, $0.value) }) { $1 } }
    var order: [String] = []
    for path in configurations.joined().map(\.path) where !order.contains(path) { order.append(path) }
    func labels(_ paths: [String]) -> [String] {
      zip(tables, fallback).map { table, name in
        let parts = paths.compactMap { path -> String? in
          guard let value = table[path] else { return nil }
          let key = path.split(separator: ".").last.map(String.init) ?? path
          if key == "name" || path == "imported.file" { return value }
          return "\(key.replacingOccurrences(of: "_", with: " ")) \(value)"
        }
        return parts.isEmpty ? name : parts.joined(separator: ", ")
      }
    }
    let differing = order.filter { path in
      // Imported weights are known by the name of their file, beside runs that are known by their objective.
      if path == "imported.layout" || path == "imported.crc32" { return false }
      let isOrigin = path == "imported.file" || path == "objective.name"
      return Set(tables.map { $0[path] }.filter { isOrigin || $0 != nil }).count > 1
    }
    let short = labels(differing)
    if !differing.isEmpty, Set(short).count == short.count { return short }
    return labels(order.filter { path in Set(tables.map { $0[path] ?? "" }).count > 1 })
  }
}
