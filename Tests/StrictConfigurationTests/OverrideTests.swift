import Diagnostics
import Testing

@Suite("Overrides")
struct OverrideTests {
  private let yaml = "name: a\nobjective: {name: vae, beta: 2}"

  @Test("an override replaces a value, adds a key, creates mappings along its path, and the last one wins")
  func assignments() throws {
    let value = try decode(
      yaml,
      set: [
        "objective.beta=3", "objective.beta=6", "training.optimizer.learning_rate=1e-3", "name=with = sign", "seed=1",
      ])
    #expect(value.objective.beta == .constant(6))
    #expect(value.optimizer.learningRate == 1e-3)
    #expect(value.name == "with = sign")
    #expect(value.seed == 1)
  }

  @Test("lists and warm-ups can be set")
  func structures() throws {
    let value = try decode(
      yaml, set: ["objective.beta={to: 4, steps: 10}", "training.optimizer.betas=[0, 0.9]", "path=~"])
    #expect(value.objective.beta == .linear(from: 0, to: 4, steps: 10))
    #expect(value.optimizer.betas == [0, 0.9])
    #expect(value.path == nil)
  }

  @Test("an override changes a mapping that an earlier one created")
  func chain() throws {
    let value = try decode(yaml, set: ["objective.beta={to: 4, steps: 10}", "objective.beta.steps=20"])
    #expect(value.objective.beta == .linear(from: 0, to: 4, steps: 20))
  }

  @Test(
    "an invalid override gives an error that quotes it",
    arguments: [
      ("objective.beta=-1", "objective.beta is -1"),
      ("objective.bta=1", "Did you mean beta?"),
      ("name.first=x", "name is 'a' (sample.yaml:1:7) and has no key first"),
      ("objective=vae", "objective is 'vae'"),
      ("seed=", "seed is empty"),
      ("seed", "not an assignment"),
      ("=3", "not an assignment"),
      ("a..b=3", "not an assignment"),
      ("objective.name=[", "not valid YAML"),
      ("objective.name=*x", "undefined alias"),
    ])
  func faults(assignment: String, says: String) throws {
    let error = try #require(throws: StructuredError.self) { try decode(yaml, set: [assignment]) }
    #expect(error.location == "--set \(assignment)")
    #expect(error.description.contains(says), "\(error)")
  }
}
