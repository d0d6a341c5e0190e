import DisentanglementMetrics
import Foundation
import StrictConfiguration
import TestSupport
import Testing

extension CommandLineTests {
  /// The tables of the documentation are those of the program.
  ///
  /// `DISENTANGLE_UPDATE_DOCUMENTATION=1 swift test -c release --filter Documentation` rewrites the tables from the
  /// program and keeps the column "meaning".
  @Suite("Documentation")
  struct DocumentationTests {
    private let folder: TemporaryFolder

    init() throws {
      folder = try TemporaryFolder()
      _ = try folder.write("{}".utf8, as: "empty.yaml")
    }

    @Test("the tables of the experiment's keys are those of the program")
    func experiment() throws {
      let base = ["objective={name: vae}"]
      var article = try Article("Configuration")
      try article.expect("experiment", rows(base) { !$0.contains(".") })
      for section in ["model", "training", "report"] {
        try article.expect(section, rows(base) { $0.hasPrefix(section + ".") }, of: section)
      }
      let sections = try Set(leaves(base).found.map { $0.key.prefix { $0 != "." } })
      #expect(sections == ["name", "seed", "dataset", "model", "objective", "training", "report"])
      let likelihoods = try ["gaussian", "laplace"].flatMap { name in
        try rows(base + ["model.likelihood={name: \(name)}"]) { isOwn($0, of: "model.likelihood") }
      }
      try article.expect("likelihood", likelihoods, of: "model.likelihood")
      let sgd = try rows(base + ["training.optimizer={name: sgd}"]) { isOwn($0, of: "training.optimizer") }
      try article.expect("sgd", sgd, of: "training.optimizer")
      try article.expect("imported", rows(base + ["imported={}"]) { $0.hasPrefix("imported.") }, of: "imported")
      article.expectNames(try names("architectures"), after: "architectures")
      try article.finish()
    }

    @Test("the tables of objectives are those of the program")
    func objectives() throws {
      var article = try Article("TrainingObjectives")
      for name in try names("objectives") {
        let own = try rows(["objective={name: \(name)}"]) { isOwn($0, of: "objective") }
        try article.expect("objective \(name)", own, of: "objective")
      }
      try article.finish()
    }

    @Test("the tables of data sets are those of the program")
    func datasets() throws {
      var article = try Article("DataSets")
      let names = try names("datasets")
      for name in names {
        let own = try rows(["objective={name: vae}", "dataset={name: \(name)}"]) { isOwn($0, of: "dataset") }
        // What is drawn may have no keys at all.
        if !own.isEmpty { try article.expect("dataset \(name)", own, of: "dataset") }
      }
      let sampling = try rows(["objective={name: vae}", "dataset={sampling: {}}"]) { isOwn($0, of: "dataset.sampling") }
      let bins = try rows(["objective={name: vae}", "dataset={name: file, bins: {}}"]) { isOwn($0, of: "dataset.bins") }
      try article.expect("bins", bins, of: "dataset.bins")
      try article.expect("sampling", sampling, of: "dataset.sampling")
      let resize = try rows(["objective={name: vae}", "dataset={resize: {}}"]) { isOwn($0, of: "dataset.resize") }
      try article.expect("resize", resize, of: "dataset.resize")
      article.expectNames(names, after: "datasets")
      try article.finish()
    }

    @Test("the table of data sets in the README is that of the registry")
    func readme() throws {
      let result = try Program.run("list", "datasets", "--format", "json", in: folder)
      let list = try #require(
        try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: String]])
      #expect(list.count > 5)
      let rows = list.map { entry in
        let published = entry["published"] ?? ""
        return "| `\(entry["name"] ?? "")` | \(entry["summary"] ?? "") | \(published.isEmpty ? "–" : published) |"
      }
      let table = (["| name | images | published |", "|---|---|---|"] + rows).joined(separator: "\n")
      var url = URL(fileURLWithPath: #filePath)
      for _ in 0..<3 { url.deleteLastPathComponent() }
      url.appendPathComponent("README.md")
      let text = try String(contentsOf: url, encoding: .utf8), marker = "<!-- table: data sets -->\n"
      let start = try #require(text.range(of: marker), "README.md has no table of data sets").upperBound
      let end = text[start...].range(of: "\n\n")?.lowerBound ?? text.endIndex
      if ProcessInfo.processInfo.environment["DISENTANGLE_UPDATE_DOCUMENTATION"] != nil {
        try text.replacingCharacters(in: start..<end, with: table).write(to: url, atomically: true, encoding: .utf8)
      } else {
        #expect(text[start..<end] == table, "README.md differs from `disentangle list datasets`")
      }
    }

    @Test("the tables of the metrics' settings are those of the program")
    func metrics() throws {
      var article = try Article("DisentanglementScores")
      let presets = try ["dlib", "fast", "exact"].map { preset in
        YAMLLeaf.all(
          of: try ConfigurationDocument(yaml: "{preset: \(preset)}", source: "test")
            .decode(EvaluationConfiguration.self).yaml)
      }
      #expect(presets.allSatisfy { $0.map(\.key) == presets[0].map(\.key) })
      let rows = try presets[0].indices.map { index in
        let key = presets[0][index].key
        let value = try expectedValue(of: key, ["evaluate", "--codes", "none.h5"])
        return [key, value] + presets.map { $0[index].value }
      }
      let names = try names("metrics")
      try article.expect("evaluation", rows.filter { !$0[0].contains(".") })
      for name in names {
        try article.expect("metric \(name)", rows.filter { $0[0].hasPrefix(name + ".") }, of: name)
      }
      article.expectNames(names, after: "metrics")
      try article.finish()
    }

    // MARK: Asking the program

    private func isOwn(_ key: String, of section: String) -> Bool {
      key.hasPrefix(section + ".") && key != section + ".name"
    }

    /// The key, the expected value and the default of the keys of a configuration, in the order of the program.
    private func rows(_ overrides: [String], where isIncluded: (String) -> Bool) throws -> [[String]] {
      let (leaves, assignments, required) = try leaves(overrides)
      return try leaves.filter { isIncluded($0.key) }.map { leaf in
        [
          leaf.key, try expectedValue(of: leaf.key, ["config", "check", "empty.yaml"], assignments),
          required.contains(leaf.key) ? "required" : leaf.value,
        ]
      }
    }

    /// All keys of a configuration with the assignments that make it complete. Keys that are required are given some value.
    private func leaves(
      _ overrides: [String]
    ) throws -> (found: [YAMLLeaf], assignments: [String], required: Set<String>) {
      var assignments = overrides, required: Set<String> = []
      while true {
        let result = try run(["config", "show", "empty.yaml"], assignments)
        if result.code == 0 { return (YAMLLeaf.all(of: result.output), assignments, required) }
        let missing = try #require(
          result.errors.firstMatch(of: /the key (\S+) is missing \(expected ([^\n]*)\)/), "\(result.errors)")
        let name = String(missing.1), expected = String(missing.2)
        try #require(required.insert(name).inserted, "\(result.errors)")
        let choice: Substring =
          expected.hasPrefix("one of ")
          ? expected.dropFirst(7).prefix { $0 != "," } : expected.contains("number") ? "1" : "file.h5"
        assignments.append("\(name)=\(choice)")
      }
    }

    /// What the program says it expects as the value of a key.
    private func expectedValue(of key: String, _ command: [String], _ assignments: [String] = []) throws -> String {
      // No key accepts an empty list; where a list is expected, the error says so.
      let result = try run(command, assignments + ["\(key)=[]"])
      #expect(result.code == 1, "\(key)")
      let match = try #require(result.errors.firstMatch(of: /\(expected ([^\n]*)\)/), "\(key): \(result.errors)")
      return String(match.1)
    }

    private func run(_ command: [String], _ assignments: [String]) throws -> Program.Result {
      try Program.run(command + assignments.flatMap { ["--set", $0] }, in: folder)
    }

    private func names(_ list: String) throws -> [String] {
      let result = try Program.run("list", list, in: folder)
      #expect(result.code == 0)
      return result.output.split(separator: "\n").filter { !$0.hasPrefix(" ") }
        .compactMap { $0.split(separator: " ").first.map(String.init) }
    }
  }
}

/// A key of a resolved configuration with its value, both as printed.
private struct YAMLLeaf {
  let key: String
  let value: String

  /// The keys of a listing in the form that the program prints: block mappings, two spaces for each level.
  static func all(of yaml: String) -> [YAMLLeaf] {
    var path: [String] = [], result: [YAMLLeaf] = []
    for line in yaml.split(separator: "\n") {
      let level = line.prefix { $0 == " " }.count / 2
      let parts = line.drop { $0 == " " }.split(separator: ":", maxSplits: 1)
      path = path.prefix(level) + [String(parts[0])]
      guard parts.count > 1 else { continue }
      let value = parts[1].trimmingCharacters(in: .whitespaces)
      if !value.isEmpty { result.append(YAMLLeaf(key: path.joined(separator: "."), value: value)) }
    }
    return result
  }
}

/// An article of the documentation with tables of keys, each after a comment `<!-- table: NAME -->`.
private struct Article {
  private static let updates = ProcessInfo.processInfo.environment["DISENTANGLE_UPDATE_DOCUMENTATION"] != nil

  private let url: URL
  private var text: String
  private let original: String

  init(_ name: String) throws {
    var package = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { package.deleteLastPathComponent() }
    url = package.appendingPathComponent("Sources/CommandLine/Documentation.docc/\(name).md")
    text = try String(contentsOf: url, encoding: .utf8)
    original = text
  }

  /// Checks that a table has these rows, and that each has a meaning; or rewrites the table.
  ///
  /// - Parameters:
  ///   - table: the table's name.
  ///   - rows: the key, the value, and the columns of defaults.
  ///   - section: the section of the keys, which the table leaves out.
  mutating func expect(_ table: String, _ rows: [[String]], of section: String = "") throws {
    let marker = "<!-- table: \(table) -->\n"
    let start = try #require(text.range(of: marker), "\(url.lastPathComponent) has no table \(table)").upperBound
    let end = text[start...].range(of: "\n\n")?.lowerBound ?? text.endIndex
    let lines = text[start..<end].split(separator: "\n")
    let meanings = Dictionary(
      lines.dropFirst(2).map(Self.cells).map { ($0.first ?? "", $0.last ?? "") }, uniquingKeysWith: { $1 })
    let new =
      lines.prefix(2)
      + rows.map { row in
        let key = "`\(section.isEmpty ? row[0] : String(row[0].dropFirst(section.count + 1)))`"
        let cells =
          [key, row[1].replacingOccurrences(of: "|", with: "\\|")]
          + row.dropFirst(2).map { $0 == "required" ? "*required*" : "`\($0)`" }
        let meaning = meanings[key] ?? ""
        #expect(!meaning.isEmpty, "\(url.lastPathComponent) does not say what \(row[0]) means")
        return Substring("| \((cells + [meaning]).joined(separator: " | ")) |")
      }
    #expect(!rows.isEmpty)
    text.replaceSubrange(start..<end, with: new.joined(separator: "\n"))
  }

  /// Checks that all names of a list stand after its comment `<!-- list: NAME -->`.
  func expectNames(_ names: [String], after list: String) {
    let parts = text.components(separatedBy: "<!-- list: \(list) -->\n")
    #expect(parts.count == 2 && !names.isEmpty)
    for name in names { #expect(parts.last?.contains("`\(name)`") == true, "\(url.lastPathComponent): \(name)") }
  }

  /// Compares the article with what it should be, or writes it.
  func finish() throws {
    if Self.updates { try text.write(to: url, atomically: true, encoding: .utf8) }
    let differing = zip(original.split(separator: "\n"), text.split(separator: "\n")).first { $0 != $1 }
    #expect(
      Self.updates || original == text,
      "\(url.lastPathComponent) differs from the program at: \(differing.map { "\($0) | \($1)" } ?? "its end")")
  }

  private static func cells(_ line: Substring) -> [String] {
    let cells = line.replacingOccurrences(of: "\\|", with: "\u{1}").split(
      separator: "|", omittingEmptySubsequences: false)
    return cells.dropFirst().dropLast().map {
      $0.trimmingCharacters(in: .whitespaces).replacingOccurrences(of: "\u{1}", with: "\\|")
    }
  }
}
