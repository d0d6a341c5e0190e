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

  /// A name for each configuration: the values that not all of them have, or `fallback` where nothing differs.
  package static func labels(_ configurations: [[(path: String, value: String)]], fallback: [String]) -> [String] {
    let tables = configurations.map { Dictionary($0.map { ($0.path, $0.value) }) { $1 } }
    var order: [String] = []
    for path in configurations.joined().map(\.path) where !order.contains(path) { order.append(path) }
    let differing = order.filter { path in Set(tables.map { $0[path] ?? "" }).count > 1 }
    return zip(tables, fallback).map { table, name in
      let parts = differing.compactMap { path -> String? in
        guard let value = table[path] else { return nil }
        let key = path.split(separator: ".").last.map(String.init) ?? path
        return key == "name" ? value : "\(key.replacingOccurrences(of: "_", with: " ")) \(value)"
      }
      let label = parts.joined(separator: ", ")
      return label.isEmpty || label.count > 48 ? name : label
    }
  }
}
