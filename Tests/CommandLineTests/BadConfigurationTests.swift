import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  @Suite("Configurations that are none")
  struct BadConfigurationTests {
    private let experiment: SmallExperiment

    init() throws { experiment = try SmallExperiment() }

    /// Replaces a line of the configuration, and expects `train` and `config check` to refuse the result alike.
    private func expectRefused(_ line: String, becoming other: String, _ parts: String...) throws {
      let yaml = String(decoding: try experiment.data("config.yaml"), as: UTF8.self)
      #expect(yaml.contains(line))
      _ = try experiment.folder.write(yaml.replacingOccurrences(of: line, with: other).utf8, as: "bad.yaml")
      let before = try experiment.snapshot()
      for arguments in [["train"], ["config", "check"], ["config", "show"]] {
        let result = try Program.shell(
          "exec \"$disentangle\" \(arguments.joined(separator: " ")) bad.yaml", in: experiment.folder)
        expectError(result)
        for part in parts { #expect(result.errors.contains(part), "\"\(part)\" in:\n\(result.errors)") }
      }
      let untouched = try experiment.snapshot() == before
      #expect(untouched)
    }

    @Test("an unknown key is reported with its line and the nearest name")
    func unknownKey() throws {
      try expectRefused("latents: 4", becoming: "latent: 4", "bad.yaml:7", "model.latent", "Did you mean", "latents")
    }

    @Test("an unknown section is reported with its line and the nearest name")
    func unknownSection() throws {
      try expectRefused(
        "training:", becoming: "trainings:", "bad.yaml:10", "unknown key trainings", "Did you mean training?")
    }

    @Test(
      "a misspelt key that has to be there is reported as misspelt, not as missing",
      arguments: [("steps: 100", "step: 100", "steps"), ("steps: 100", "epoch: 1", "epochs")])
    func requiredKey(line: String, becoming: String, meant: String) throws {
      let key = becoming.prefix { $0 != ":" }
      try expectRefused(line, becoming: becoming, "bad.yaml:11", "training.\(key)", "Did you mean \(meant)?")
    }

    @Test("an unknown objective is reported with the nearest name")
    func unknownObjective() throws {
      try expectRefused("name: beta-tcvae", becoming: "name: beta-tvcae", "bad.yaml:9", "objective.name", "beta-tcvae")
    }

    @Test("a value of a wrong type is reported with its line")
    func wrongType() throws {
      try expectRefused("latents: 4", becoming: "latents: many", "bad.yaml:7", "model.latents", "whole number")
    }

    @Test("a key given twice is reported with its line")
    func duplicate() throws {
      try expectRefused("latents: 4", becoming: "latents: 4\n  latents: 5", "bad.yaml:7", "latents appears twice")
    }

    @Test("β = −1 is reported with its line")
    func negativeBeta() throws {
      try expectRefused(
        "name: beta-tcvae", becoming: "name: beta-tcvae\n  beta: -1", "bad.yaml:10", "objective.beta is -1", "≥ 0")
    }

    @Test("no latents at all are reported with their line")
    func noLatents() throws {
      try expectRefused("latents: 4", becoming: "latents: 0", "bad.yaml:7", "model.latents is 0", "≥ 1")
    }

    @Test("what is not YAML is reported with its line")
    func notYAML() throws { try expectRefused("latents: 4", becoming: "latents: [4", "bad.yaml") }

    @Test("a configuration that is not there, or is a directory", arguments: [["train"], ["config", "check"]])
    func notThere(command: [String]) throws {
      let before = try experiment.snapshot()
      for (file, reason) in [("none.yaml", "no such file"), (".", "directory")] {
        let result = try Program.shell(
          "exec \"$disentangle\" \(command.joined(separator: " ")) \(file)", in: experiment.folder)
        expectError(result, "error: \(file): ", reason)
      }
      let untouched = try experiment.snapshot() == before
      #expect(untouched)
    }

    @Test("an override that does not fit is reported as it was given")
    func overrides() throws {
      for (override, part) in [
        ("objective.beta=-1", "objective.beta is -1"), ("model.latens=3", "latents"), ("foo", "not an assignment"),
      ] {
        let result = try Program.run("train", "config.yaml", "--set", override, in: experiment.folder)
        expectError(result, "--set \(override)", part)
      }
      #expect(try experiment.folder.names() == ["config.yaml", "data.h5"])
    }
  }
}
