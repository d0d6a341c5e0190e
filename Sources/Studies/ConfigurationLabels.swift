import Foundation
import StrictConfiguration

/// Labels for groups of runs: the values in which their configurations differ.
package struct ConfigurationLabels {
  /// Keys that do not make two runs different experiments.
  private static let ignored: Set<String> = ["name", "seed"]
  private static let ignoredPrefixes = [
    "report.", "training.checkpoint_every", "training.log_every", "training.decompose_",
  ]

  /// The values of a resolved configuration by their paths, without keys that do not make two runs different experiments.
  ///
  /// - Throws: `StructuredError` if the text is not YAML.
  package static func values(of yaml: String) throws -> [(path: String, value: String)] {
    try ConfigurationDocument(yaml: yaml, source: "the configuration of a run").values.filter { path, _ in
      !ignored.contains(path) && !ignoredPrefixes.contains(where: path.hasPrefix)
    }
  }

  /// Whether two configurations have the same values, in whatever order.
  package static func areEqual(_ a: [(path: String, value: String)], _ b: [(path: String, value: String)]) -> Bool {
    a.count == b.count && a.sorted { $0 < $1 }.elementsEqual(b.sorted { $0 < $1 }) { $0 == $1 }
  }

  /// A label for each configuration: the values in which those that have a key differ; where these labels are not
  /// distinct, the values of all keys that differ or are absent in some; `fallback` where nothing differs.
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
