import Diagnostics
import Experiment
import Foundation
import StrictConfiguration
import TestSupport
import Testing

@testable import Studies

@Suite("Plans of studies")
struct StudyPlanTests {
  static let configuration = """
    name: base
    dataset: {name: xy-object}
    model: {architecture: burgess, latents: 3}
    objective: {name: beta-vae, beta: 2}
    training: {steps: 10, batch_size: 4}
    """

  /// A study in a folder with `c.yaml`.
  private func plan(_ yaml: String, configuration: String = configuration) throws -> StudyPlan {
    let folder = try TemporaryFolder()
    let path = try folder.write(configuration.utf8, as: "c.yaml")
    return try StudyPlan(
      ConfigurationDocument(yaml: yaml.replacingOccurrences(of: "c.yaml", with: path), source: "study.yaml"),
      components: Components())
  }

  private func message(_ yaml: String) throws -> String {
    let error = #expect(throws: StructuredError.self) { try plan(yaml) }
    return "\(try #require(error))"
  }

  private static let study = """
    name: s
    configuration: c.yaml
    axes: [{key: model.latents, values: [2, 3]}]
    variants:
      - {name: a, axes: [{key: objective.beta, values: [1, 4]}]}
      - {name: b, set: ["objective={name: beta-tcvae}"], axes: [{key: objective.beta, values: [6]}]}
    seeds: {from: 5, count: 2}
    """

  @Test("Every combination is there once: settings outermost, then seeds, then variants and their strengths")
  func order() throws {
    let plan = try plan(Self.study)
    #expect(
      plan.runs.map(\.label) == [
        "a, beta 1, latents 2, seed 5", "a, beta 4, latents 2, seed 5", "b, beta 6, latents 2, seed 5",
        "a, beta 1, latents 2, seed 6", "a, beta 4, latents 2, seed 6", "b, beta 6, latents 2, seed 6",
        "a, beta 1, latents 3, seed 5", "a, beta 4, latents 3, seed 5", "b, beta 6, latents 3, seed 5",
        "a, beta 1, latents 3, seed 6", "a, beta 4, latents 3, seed 6", "b, beta 6, latents 3, seed 6",
      ])
    #expect(Set(plan.runs.map(\.digest)).count == 12 && plan.excluded == 0)
    #expect(plan.runs.allSatisfy { $0.digest.count == 16 && $0.digest.allSatisfy(\.isHexDigit) })
    let run = try plan.configuration(of: plan.runs[5]).experiment().value
    #expect(run.seed == 6 && run.model.latents == 2 && run.objective?.name == "beta-tcvae")
  }

  @Test("A study without variants has one, with its axes as strengths")
  func noVariants() throws {
    let plan = try plan("name: s\nconfiguration: c.yaml\naxes: [{key: objective.beta, values: [1, 2, 3]}]")
    #expect(plan.runs.map(\.label) == ["s, beta 1, seed 0", "s, beta 2, seed 0", "s, beta 3, seed 0"])
  }

  @Test("Combinations with all values of an exclusion are left out, whatever they are written as")
  func exclusions() throws {
    let exclude = "exclude: [{objective.beta: 4.0, seed: 6}, {model.latents: 3, objective.name: beta-tcvae}]"
    let plan = try plan("\(Self.study)\n\(exclude)")
    #expect(plan.excluded == 4 && plan.runs.count == 8)
    #expect(!plan.runs.contains { $0.label.hasPrefix("a, beta 4") && $0.seed == 6 })
    #expect(!plan.runs.contains { $0.label.hasPrefix("b") && $0.commonLabel == "latents 3" })
  }

  @Test("What changes no bit of a model changes no digest; what does, does")
  func digests() throws {
    func digest(_ overrides: String, threads: Int = 1, configuration: String = Self.configuration) throws -> String {
      try plan(
        "name: s\nconfiguration: c.yaml\nset: [\(overrides)]\nthreads: \(threads)", configuration: configuration
      ).runs[0].digest
    }
    let base = try digest("")
    for same in [
      "name=other", "training.log_every=7", "training.checkpoint_every=3", "objective.beta=2.0", "dataset.memory=2",
      "training.tensorboard=true", "training.decompose_every=5",
    ] { #expect(try digest(same) == base, "\(same)") }
    let reordered = Self.configuration.split(separator: "\n").reversed().joined(separator: "\n")
    #expect(try digest("", configuration: reordered) == base)
    for other in ["seed=1", "objective.beta=2.5", "training.steps=11", "report.samples=50", "model.latents=4"] {
      // The seed is the study's.
      #expect(try digest(other) != base || other == "seed=1", "\(other)")
    }
    #expect(try digest("", threads: 2) != base)
    // A name for a folder that other versions find again.
    #expect(StudyPlan.digest([("b", "2"), ("name", "x"), ("a", "1")], threads: 1) == "d29fc2a250af816e")
  }

  @Test("Every study of configs/studies can be planned")
  func studies() throws {
    var package = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { package.deleteLastPathComponent() }
    let folder = package.appendingPathComponent("configs/studies").path
    let files = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(!files.isEmpty)
    for file in files {
      let yaml = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
        .replacingOccurrences(of: "configuration: configs/", with: "configuration: \(package.path)/configs/")
      let plan = try StudyPlan(ConfigurationDocument(yaml: yaml, source: file), components: Components())
      #expect(plan.runs.count > 1 && "\(plan.study.name).yaml" == file)
    }
  }

  @Test("The study of disentanglement_lib has its 12,600 runs")
  func preset() throws {
    let folder = try TemporaryFolder(), path = try folder.write(Self.configuration.utf8, as: "c.yaml")
    let yaml = StudyPreset.dlib.yaml.replacingOccurrences(of: "configs/beta-vae.yaml", with: path)
    let plan = try StudyPlan(ConfigurationDocument(yaml: yaml, source: "dlib"), components: Components())
    #expect(plan.runs.count == 12_600 && plan.excluded == 0)
    #expect(plan.runs[0].label == "beta-vae, beta 1, dataset dsprites, seed 0")
    #expect(Set(plan.runs.map(\.commonLabel)).count == 7 && Set(plan.runs.map(\.seed)) == Set(0..<50))
    let last = try plan.configuration(of: plan.runs[12_599]).experiment().value
    #expect(last.dataset.entry.name == "shapes3d" && last.objective?.name == "beta-tcvae" && last.seed == 49)
  }

  @Test("A logarithmic range has round values and exact ends")
  func ranges() throws {
    func values(_ axis: String) throws -> [String] {
      let plan = try plan("name: s\nconfiguration: c.yaml\naxes: [{key: objective.beta, \(axis)}]")
      return plan.runs.map { $0.strength[0].value }
    }
    #expect(try values("log_range: {from: 1, to: 100, count: 3}") == ["1", "10", "100"])
    #expect(try values("log_range: {from: 1e-3, to: 10, count: 5}") == ["0.001", "0.01", "0.1", "1", "10"])
    #expect(try values("range: {from: 1, to: 2, count: 3}") == ["1", "1.5", "2"])
    #expect(try values("range: {from: 3, to: 3, count: 1}") == ["3"])
  }

  @Test(
    "What is not understood is one error with its place",
    arguments: [
      ("name: s", "the key configuration is missing"),
      ("configuration: c.yaml\naxes: [{key: seed, values: [1]}]", "axes[0].key is seed"),
      ("configuration: c.yaml\naxes: [{key: objective.beta, values: [1, 1.0]}]", "axes[0].values has 1.0 twice"),
      ("configuration: c.yaml\naxes: [{key: objective.beta}]", "the key axes[0].values is missing"),
      ("configuration: c.yaml\naxes: [{key: a.b, values: [1], range: {}}]", "axes[0].values and range are both given"),
      ("configuration: c.yaml\naxes: [{key: a b, values: [1]}]", "is no key of a configuration"),
      ("configuration: c.yaml\naxes: [{key: objective.beta, range: {from: 1, to: 2, count: 1}}]", "count is 1"),
      ("configuration: c.yaml\naxes: [{key: objective.beta, log_range: {from: 0, to: 2, count: 2}}]", "from is 0"),
      (
        "configuration: c.yaml\naxes: [{key: objective.beta, values: [1]}, {key: objective.beta, values: [2]}]",
        "axes vary objective.beta twice"
      ),
      ("configuration: c.yaml\naxes: [{key: objective.gama, values: [1]}]", "unknown key objective.gama"),
      ("configuration: c.yaml\nvariants: [{name: a}, {name: a}]", "variants has the name a twice"),
      ("configuration: c.yaml\nvariants: [{name: ../a}]", "variants[0].name is '../a'"),
      (
        "configuration: c.yaml\nvariants: [{name: a}, {name: b}]",
        "two runs have one configuration: a, seed 0, and b, seed 0"
      ),
      ("configuration: c.yaml\nseeds: [1, 1]", "seeds has 1 twice"),
      ("configuration: c.yaml\nseeds: {from: 1, count: 0}", "seeds.count is 0"),
      ("configuration: c.yaml\nexclude: [{objective.beta: 77}]", "exclude[0] leaves out no run"),
      ("configuration: c.yaml\nexclude: [{objective.beta: 2}]", "no run is left"),
      ("configuration: c.yaml\nexclude: [{}]", "exclude[0]"),
      ("configuration: c.yaml\nkeep: all", "keep is 'all'"),
      ("configuration: nowhere.yaml", "there is no such file"),
      ("configuration: c.yaml\nseed: 3", "unknown key seed"),
      (
        "configuration: c.yaml\nseeds: {count: 1000000}\naxes: [{key: objective.beta, values: [1, 2]}]",
        "2,000,000 runs"
      ),
    ])
  func errors(yaml: String, text: String) throws {
    let message = try message(yaml)
    #expect(message.contains(text), "\(message)")
  }

  @Test("What is written of a study reads back as the same study")
  func resolved() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Self.configuration.utf8, as: "c.yaml")
    let measure = "measure: {metrics: {preset: fast, metrics: [mig]}}",
      exclude = "exclude: [{seed: 5, model.latents: 2}]"
    let study = Self.study.replacingOccurrences(of: "c.yaml", with: path)
    let plan = try StudyPlan(
      ConfigurationDocument(yaml: "\(study)\n\(measure)\n\(exclude)", source: "study.yaml"), components: Components())
    let again = try StudyPlan(ConfigurationDocument(yaml: plan.yaml, source: "again"), components: Components())
    #expect(again.yaml == plan.yaml && again.runs.map(\.digest) == plan.runs.map(\.digest))
    #expect(again.study.measure.metrics == "{preset: fast, metrics: [mig]}")
  }
}
