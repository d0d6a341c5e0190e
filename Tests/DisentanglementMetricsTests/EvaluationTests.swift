import Diagnostics
import DisentanglementMetrics
import Foundation
import StrictConfiguration
import Testing

@Suite struct EvaluationTests {
  func configuration(_ yaml: String, _ overrides: String...) throws -> ResolvedConfiguration<EvaluationConfiguration> {
    try ConfigurationDocument(yaml: yaml, source: "metrics.yaml", overrides: overrides).decode()
  }

  func report(_ yaml: String, _ codes: TestCodes...) throws -> EvaluationReport {
    try EvaluationReport(codes.map { ($0.rawValue, try $0.input()) }, configuration(yaml))
  }

  func object(_ json: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
  }

  static let quick = "{preset: fast, metrics: [mig, modularity, mig-exact]}"

  @Test func `Names in the registry are unique, and every metric decodes under every preset`() throws {
    #expect(
      Set(Registry<MetricEntry>.standard.entries.map(\.name)).count == Registry<MetricEntry>.standard.entries.count)
    for preset in MetricPreset.allCases {
      let settings = try configuration("{preset: \(preset)}")
      #expect(settings.value.all.map(\.entry.name) == Registry<MetricEntry>.standard.entries.map(\.name))
      // What is printed reads back as the same.
      #expect(try configuration(settings.yaml).yaml == settings.yaml)
    }
  }

  @Test func `A preset is where settings begin, and a section changes some`() throws {
    let settings = try configuration("{preset: exact, mig: {bins: 30}}", "irs.points=7").yaml
    #expect(settings.contains("bins: 30"))
    #expect(settings.contains("points: 7"))
    #expect(settings.contains("factor_bins: 0"))
  }

  @Test(arguments: [
    ("{metrics: [mgi]}", "metrics names 'mgi', which is no metric", "Did you mean mig?"),
    ("{metrics: [mig, irs, mig]}", "metrics names mig twice", "twice"),
    ("{mig: {bin: 3}}", "unknown key mig.bin", "Did you mean bins?"),
    ("{mig: {bins: 1}}", "mig.bins is 1", "2"), ("{preset: rc}", "preset is 'rc'", "dlib"),
    ("{factor_vae_score: {}}", "unknown key factor_vae_score", "factor-vae-score"),
    ("{udr: {relations: [pearson]}}", "udr.relations names pearson", "spearman"),
    ("{udr: {groups: 1001}}", "udr.groups is 1001", "1000"),
    ("{explicitness: {bootstrap: 10001}}", "explicitness.bootstrap is 10001", "10000"),
  ])
  func `A mistake in the settings is one error with its place`(yaml: String, what: String, action: String) throws {
    let error = #expect(throws: StructuredError.self) { try configuration(yaml) }
    let text = error?.description ?? ""
    #expect(text.hasPrefix("metrics.yaml:1:"), "\(text)")
    #expect(text.contains(what) && text.contains(action), "\(text)")
  }

  @Test func `JSON of one run has the documented keys`() throws {
    let document = try object(report(Self.quick, .singleValuedFactor).json())
    #expect(
      Set(document.keys) == [
        "preset", "seed", "data_points", "latents", "factors", "representation", "notes", "metrics",
      ])
    #expect(document["preset"] as? String == "fast")
    #expect(document["data_points"] as? Int == 1152)
    let metrics = try #require(document["metrics"] as? [String: [String: Any]])
    #expect(Set(metrics.keys) == ["mig", "modularity", "mig-exact"])
    for metric in metrics.values { #expect(Set(metric.keys) == ["scores", "parts", "notes", "settings"]) }
    let mig = try #require(metrics["mig"])
    let score = try #require((mig["scores"] as? [String: [String: Any]])?["mig"])
    #expect(Set(score.keys) == ["value", "standard_error", "repeats", "unit", "undefined"])
    #expect(abs((score["value"] as? Double ?? 0) - 1) < 1e-12)
    #expect(score["undefined"] is NSNull)
    let part = try #require((mig["parts"] as? [String: [String: Any]])?["mutual_information"])
    #expect(part["axes"] as? [String] == ["latent", "factor"])
    #expect(part["shape"] as? [Int] == [4, 5])
    #expect(part["unit"] as? String == "nats")
    #expect((mig["settings"] as? [String: Any])?["bins"] as? Int == 20)
    #expect(mig["notes"] as? [String] == ["The factor color has a single value and is left out."])
  }

  @Test func `Several runs are compared, and each has its own part`() throws {
    let report = try report("{preset: fast, metrics: [mig, udr]}", .perfect, .rotated)
    let document = try object(report.json())
    #expect(Set(document.keys) == ["runs", "comparison"])
    let runs = try #require(document["runs"] as? [[String: Any]])
    #expect(runs.map { $0["name"] as? String } == ["perfect", "rotated"])
    let comparison = try #require(document["comparison"] as? [String: [String: Any]])
    #expect(comparison["metrics"]?.keys.map { $0 } == ["udr"])
    let lines = report.csv().split(separator: "\n")
    #expect(lines[0] == "run,metric,score,value,standard_error,repeats,unit,undefined")
    #expect(lines.count == 1 + 2 + report.comparison[0].result.scores.count)
    #expect(lines[1].hasPrefix("perfect,mig,mig,1.0,") || lines[1].hasPrefix("perfect,mig,mig,0.99999"))
    #expect(lines.last?.hasPrefix(",udr,") == true)
    let table = report.text().split(separator: "\n")
    #expect(
      table[0].hasPrefix("preset fast, seed 0, 1,152 data points, ") && table[0].hasSuffix("± is one standard error"))
    #expect(table[1].split(separator: " ") == ["metric", "score", "perfect", "rotated"])
    #expect(table[2].contains("mig") && table[2].contains(" ± "), "\(table[2])")
    #expect(table.contains("Between runs"))
    #expect(report.text(.markdown).contains("| metric | score | perfect | rotated |\n| :--- | :--- | ---: | ---: |"))
    // By default comparisons join in where there is something to compare.
    let chosen = try configuration("{}").value
    #expect(!chosen.chosen(runs: 1).contains { $0.entry.name == "udr" })
    #expect(chosen.chosen(runs: 2).contains { $0.entry.name == "udr" })
  }

  @Test func `A metric is asked for the memory that it will take before any is computed`() throws {
    struct Greedy: MetricConfiguration {
      init(from section: inout ConfigurationSection, preset: MetricPreset) throws {}
      func metric() -> any DisentanglementMetric { preconditionFailure("there is no memory for it") }
      func memory(for input: MetricInput, at section: String) -> [MemoryRequirement] {
        [MemoryRequirement("\(input.codes.count)² pairs", bytes: .max, at: "\(section).pairs")]
      }
    }
    var registry = Registry<MetricEntry>.standard
    registry.add(MetricEntry(name: "greedy", summary: "", paper: "", configuration: Greedy.self))
    let settings = try ConfigurationDocument(yaml: "{metrics: [mig, greedy]}", source: "metrics.yaml").decode {
      try EvaluationConfiguration(from: &$0, metrics: registry)
    }
    let error = #expect(throws: StructuredError.self) {
      try Evaluation(settings, of: TestCodes.perfect.input()) { _, _ in Issue.record("a metric was computed") }
    }
    #expect(error?.what == "1152² pairs would take more than 9 EB of memory" && error?.location == "greedy.pairs")
  }

  @Test func `CSV has a row for each score and quotes sentences`() throws {
    let lines = try report("{metrics: [mig, irs]}", .constant).csv().split(separator: "\n")
    #expect(lines[0] == "metric,score,value,standard_error,repeats,unit,undefined")
    #expect(lines[1].hasPrefix("mig,mig,0.0,0.0,"))
    #expect(lines[2] == "irs,irs,,,,,\"Every latent is constant, so the codes carry no information.\"")
  }

  @Test func `The table has a line for each score, notes below, and parts if asked for`() throws {
    let report = try report("{metrics: [irs, modularity]}", .deadDimensions)
    let text = report.text()
    #expect(
      text.hasPrefix("deadDimensions: preset dlib, seed 0, 1,152 data points, 6 latents\n  metric"), "\(text)")
    #expect(text.contains("  irs: 2 of 6 latents are constant and left out."))
    #expect(!text.contains("irs_matrix"))
    let parts = report.text(parts: true)
    #expect(parts.contains("irs: irs_matrix\n  latent ↓ factor →"))
    #expect(parts.contains("shape"))
  }

  @Test func `A part's table has a row for each latent and a column for each factor, numbers to the right`() throws {
    let parts = try report("{metrics: [mig]}", .singleValuedFactor).text(parts: true)
    let lines = parts.split(separator: "\n").map(String.init)
    let title = try #require(lines.firstIndex { $0.hasPrefix("mig: mutual_information") })
    let table = lines[(title + 1)...].prefix(5)
    let cells = table.map { $0.split(separator: " ").map(String.init) }
    #expect(cells.first == ["latent", "↓", "factor", "→", "shape", "scale", "x", "y", "color"], "\(cells)")
    #expect(cells.dropFirst().map(\.first) == ["0", "1", "2", "3"] && cells.dropFirst().allSatisfy { $0.count == 6 })
    // The last column is one of numbers, so that all lines end where it ends.
    #expect(Set(table.map(\.count)).count == 1, "\(table)")
    // A list: a factor and a number.
    let list = try #require(lines.firstIndex { $0.hasPrefix("mig: gap") })
    let rows = lines[(list + 2)...].prefix(5).map { $0.split(separator: " ").map(String.init) }
    #expect(rows.map(\.first) == ["shape", "scale", "x", "y", "color"] && rows.allSatisfy { $0.count == 2 }, "\(rows)")
  }

  @Test func `The same seed gives the same bytes, whatever other metrics run`() throws {
    let settings = "{preset: fast, mig: {points: 500}, metrics: "
    let alone = try report(settings + "[mig]}", .random).runs[0].evaluation.metrics[0].result
    let among = try report(settings + "[irs, factor-vae-score, mig]}", .random).runs[0].evaluation.metrics[2].result
    let isSame = alone == among
    #expect(isSame)
    let other = try report("{seed: 1, preset: fast, mig: {points: 500}, metrics: [mig]}", .random)
    let differs = other.runs[0].evaluation.metrics[0].result != alone
    #expect(differs)
    #expect(try report(Self.quick, .random).json() == report(Self.quick, .random).json())
  }

  @Test func `Samples of the posteriors can take the place of means, where they are known`() throws {
    let settings = try configuration("{representation: sample, metrics: [mig]}")
    var input = try TestCodes.perfect.input()
    let sampled = try Evaluation(settings, of: input)
    // A posterior's standard deviation is e⁻³, a bin is wider; some information is lost at its edges.
    let score = try #require(sampled.metrics[0].result.scores[0].value)
    #expect((0.7..<0.9999).contains(score), "\(score)")
    input.posterior = nil
    let error = #expect(throws: StructuredError.self) { try Evaluation(settings, of: input) }
    #expect(error?.description.contains("without the log-variances") == true)
    input.hasSampledCodes = true
    let given = try Evaluation(settings, of: input).metrics[0].result.scores[0].value
    #expect(abs((given ?? 0) - 1) < 1e-12)
  }
}
