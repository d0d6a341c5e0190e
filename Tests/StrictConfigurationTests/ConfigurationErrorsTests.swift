import Diagnostics
import Testing

/// An invalid document, and the error it must give: location and a part of the message.
struct Fault: Sendable, CustomTestStringConvertible {
  var yaml: String
  var location: String
  var says: [String]
  var testDescription: String { yaml }

  init(_ yaml: String, _ location: String, _ says: String...) {
    self.yaml = yaml
    self.location = "sample.yaml" + location
    self.says = says
  }
}

@Suite("Configuration errors")
struct ConfigurationErrorsTests {
  @Test(
    "each fault gives one error with its place, its key and what was expected",
    arguments: [
      // Keys.
      Fault("objective: {name: vae}\nsed: 1", ":2:1", "unknown key sed", "Did you mean seed?"),
      Fault(
        "objective:\n  name: vae\n  bta: 4", ":3:3", "unknown key objective.bta", "Did you mean beta?",
        "Known keys: name, beta, estimator."),
      Fault("objective: {name: vae}\nflavour: 1", ":2:1", "unknown key flavour", "Known keys: name, seed"),
      Fault("objective: {nmae: vae}", ":1:13", "unknown key objective.nmae", "Did you mean name?"),
      Fault("objectiv: {name: vae}", ":1:1", "unknown key objectiv", "Did you mean objective?"),
      Fault("name: x\nobjective: {beta: 1}", ":2:12", "objective.name is missing", "one of vae, beta-vae"),
      Fault("name: x", ":1:1", "objective.name is missing"),
      Fault("objective: {name: vae, beta: 1, beta: 2}", ":1:24", "the key beta appears twice"),
      Fault("seed: 1\nobjective: {name: vae}\nseed: 2", ":1:1", "the key seed appears twice"),
      Fault("1: x\n'1': x", ":2:1", "the key 1 appears twice"),
      Fault("[a, b]: 1", ":1:1", "a key is a list"),
      // Types.
      Fault("objective: {name: vae}\nseed: abc", ":2:7", "seed is 'abc'", "a whole number ≥ 0"),
      Fault("objective: {name: vae}\nseed: '5'", ":2:7", "which is text", "Remove the quotation marks"),
      Fault("objective: {name: vae}\nseed: 1.5", ":2:7", "seed is 1.5", "a whole number ≥ 0"),
      Fault("objective: {name: vae}\nseed: 007", ":2:7", "seed is 007"),
      Fault("objective: {name: vae}\nseed: 0x10", ":2:7", "seed is 0x10"),
      Fault("objective: {name: vae}\nseed: 1_000", ":2:7", "seed is 1_000"),
      Fault("objective: {name: vae}\nseed: 12:30", ":2:7", "seed is 12:30"),
      Fault("objective: {name: vae}\nseed: 99999999999999999999", ":2:7", "too large"),
      Fault("objective: {name: vae}\nseed: 1e300", ":2:7", "too large"),
      Fault("objective: {name: vae}\nseed: [1]", ":2:7", "seed is a list"),
      Fault("objective: {name: vae}\nseed: {a: 1}", ":2:7", "seed is a mapping"),
      Fault("objective: {name: vae}\nseed:", ":2:6", "seed is empty", "a whole number"),
      Fault("objective: {name: vae}\nseed: null", ":2:7", "seed is empty"),
      Fault("objective: {name: vae}\nname: 12", ":2:7", "Quote it: '12'"),
      Fault("objective: {name: vae}\nname: ''", ":2:7", "name is ''", "text"),
      Fault("objective: {name: vae}\nshuffled: yes", ":2:11", "shuffled is yes", "true or false"),
      Fault("objective: {name: vae}\nshuffled: 'true'", ":2:11", "shuffled is 'true'", "true or false"),
      Fault("objective: {name: vae}\nshuffled: 1", ":2:11", "true or false"),
      Fault("objective: vae", ":1:12", "objective is 'vae'", "a mapping"),
      Fault("objective:\nname: x", ":1:11", "objective is empty", "a mapping"),
      Fault("objective: {name: vea}", ":1:19", "'vea'", "one of vae, beta-vae, beta-tcvae", "Did you mean vae?"),
      Fault("objective: {name: vae, estimator: weighed}", ":1:35", "Did you mean weighted?"),
      // Numbers.
      Fault("objective: {name: vae, beta: -1}", ":1:30", "objective.beta is -1", "a finite number ≥ 0"),
      Fault("objective: {name: vae, beta: .nan}", ":1:30", "objective.beta is .nan", "a finite number"),
      Fault("objective: {name: vae, beta: nan}", ":1:30", "objective.beta is nan", "a finite number"),
      Fault("objective: {name: vae, beta: .inf}", ":1:30", "objective.beta is .inf", "a finite number"),
      Fault("objective: {name: vae, beta: 1e999}", ":1:30", "too large"),
      Fault("objective: {name: vae, beta: {from: -1, to: 1, steps: 10}}", ":1:37", "objective.beta.from is -1"),
      Fault("objective: {name: vae, beta: {to: 1, steps: 0}}", ":1:45", "objective.beta.steps is 0", "≥ 1"),
      Fault("objective: {name: vae, beta: {to: 1}}", ":1:30", "objective.beta.steps is missing"),
      Fault("objective: {name: vae, beta: {to: 1, step: 10}}", ":1:38", "Did you mean steps?"),
      Fault("objective: {name: vae, beta: six}", ":1:30", "or a warm-up {from: 0, to: 1, steps: 10000}"),
      // Bounds.
      Fault(
        "objective: {name: vae}\ntraining: {batch_size: 0}", ":2:24", "training.batch_size is 0",
        "a whole number ≥ 1 and ≤ 4096"),
      Fault("objective: {name: vae}\ntraining: {optimizer: {learning_rate: 0}}", ":2:39", "a finite number > 0"),
      Fault("objective: {name: vae}\ntraining: {optimizer: {betas: [0.9]}}", ":2:31", "has 1 elements"),
      Fault("objective: {name: vae}\ntraining: {optimizer: {betas: [0.9, 1]}}", ":2:37", "betas[1] is 1", "< 1"),
      Fault("objective: {name: vae}\ntraining: {optimizer: {betas: 0.9}}", ":2:31", "betas is 0.9", "a list"),
      // YAML itself.
      Fault("", "", "the configuration is empty"),
      Fault("- a\n- b", ":1:1", "the configuration is a list", "a mapping of keys"),
      Fault("hello", ":1:1", "the configuration is 'hello'"),
      Fault("---\n", ":2:1", "the configuration is empty", "a mapping of keys"),
      Fault("objective:\n\tname: vae", ":2:1", "a tab character", "spaces"),
      Fault("name: a\n---\nname: b", ":2:1", "a second YAML document"),
      Fault("name: [a", "", "not valid YAML"),
      Fault("name: \"a", "", "not valid YAML"),
      Fault("name: a: b", ":1:8", "not valid YAML"),
      Fault("name: \u{1}", "", "not valid YAML"),
      Fault("a: &x [1]\nb: *x", ":2:4", "anchors and aliases"),
      Fault("a: &x {b: 1}\n<<: *x", ":2:5", "anchors and aliases"),
      Fault("a: *x", ":1:4", "undefined alias"),
      Fault("name: !!binary aGk=", ":1:7", "tag"),
      Fault("name: !own x", ":1:7", "tag !own"),
      Fault("objective: !own {name: vae}", ":1:12", "tag !own"),
    ])
  func faults(fault: Fault) throws {
    let error = try #require(throws: StructuredError.self) { try decode(fault.yaml) }
    #expect(error.location?.hasPrefix(fault.location) == true, "\(error)")
    if fault.location.contains(":") { #expect(error.location == fault.location, "\(error)") }
    for part in fault.says { #expect(error.description.contains(part), "\(error)") }
  }

  @Test("nested aliases are rejected before they are expanded, even as keys")
  func aliasBomb() {
    var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in 1...40 {
      yaml += "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ") + "]\n"
    }
    #expect(throws: StructuredError.self) { try decode(yaml) }
    #expect(throws: StructuredError.self) { try decode(yaml + "? *a40\n: 1\n") }
  }

  @Test("deep nesting is an error, not a crash", arguments: [40, 900, 100_000])
  func depth(levels: Int) throws {
    let yaml = "name: " + String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    #expect(throws: StructuredError.self) { try decode(yaml) }
  }

  @Test("an ampersand and an asterisk in ordinary text are not an alias")
  func stars() throws {
    #expect(try decode("name: salt & pepper * 2 *x\nobjective: {name: vae}").name == "salt & pepper * 2 *x")
  }
}
