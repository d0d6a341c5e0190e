import Diagnostics
import StrictConfiguration
import Studies
import Testing

@Suite("Studies of rate and distortion")
struct RateDistortionStudyTests {
  private func study(_ yaml: String) throws -> RateDistortionStudy {
    try ConfigurationDocument(yaml: yaml, source: "study.yaml").decode(RateDistortionStudy.self).value
  }

  private func plans(_ values: String) throws -> [RateDistortionStudy.Sweep.Plan] {
    let yaml = "configuration: c.yaml\nvary: {key: objective.beta, values: \(values)}"
    return try #require(try study(yaml).sweep).plans
  }

  @Test(
    "A key whose last part cannot begin the name of a folder is refused",
    arguments: ["objective/beta", "../../x", "a.b/c", "\"a\\tb\"", "...", String(repeating: "k", count: 51)])
  func keys(key: String) throws {
    let error = #expect(throws: StructuredError.self) {
      try study("configuration: c.yaml\nvary: {key: \(key), values: [1]}")
    }
    #expect("\(try #require(error))".contains("a key such as objective.beta"))
  }

  @Test("Every value is written with the shortest text that reads back as itself, and has a folder of its own")
  func exactValues() throws {
    let values = [1e-7, 0.1, 0.30000000000000004, 0.3, 1.0 / 3, 4, 1e15, 1e16, 123456789.123, -2.5]
    let plans = try plans("[\(values.map { "\($0)" }.joined(separator: ", "))]")
    #expect(Set(plans.map(\.folder)).count == values.count)
    for (plan, value) in zip(plans, values) {
      let text = try #require(plan.overrides.first { $0.hasPrefix("objective.beta=") }).dropFirst(15)
      #expect(Double(text) == value)
      #expect(plan.folder == "beta-\(text)" && plan.overrides.contains("name=\(plan.folder)"))
    }
    #expect(plans.map(\.folder).contains("beta-4") && plans.map(\.folder).contains("beta-1e-07"))
  }

  @Test("The value that a run is trained with is the one of the study, through YAML")
  func throughYAML() throws {
    struct Settings: StrictlyDecodable {
      var beta: Double
      init(from section: inout ConfigurationSection) throws {
        beta = try section.section("objective") { try $0.number("beta") }
        _ = try section.string("name", default: "x")
      }
    }
    for value in [1e-7, 1.0 / 3, 1e22, 2.5e-308, 0.1] {
      let plan = try #require(try plans("[\(value)]").first)
      let document = try ConfigurationDocument(yaml: "{}", source: "c.yaml", overrides: plan.overrides)
      #expect(try document.decode(Settings.self).value.beta == value)
    }
  }

  @Test(
    "Values and seeds given twice, and names that are no file's, are errors",
    arguments: [
      ("configuration: c.yaml\nvary: {key: objective.beta, values: [1, 2, 1.0]}", "vary.values has 1 twice"),
      ("configuration: c.yaml\nvary: {key: objective.beta, values: [1]}\nseeds: [3, 3]", "seeds has 3 twice"),
      ("name: ../x\nruns: [a]", "name is '../x'"),
    ])
  func errors(yaml: String, message: String) {
    let error = #expect(throws: StructuredError.self) { try study(yaml) }
    #expect(error?.what.contains(message) == true, "\(error.map { "\($0)" } ?? "")")
  }
}
