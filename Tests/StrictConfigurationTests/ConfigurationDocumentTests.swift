import Diagnostics
import Foundation
import StrictConfiguration
import Testing

@Suite("Configuration documents")
struct ConfigurationDocumentTests {
  @Test("a minimal document takes every default")
  func defaults() throws {
    let value = try decode("objective: {name: vae}")
    #expect(value.name == "run")
    #expect(value.path == nil)
    #expect(value.shuffled)
    #expect(value.objective.beta == .constant(6))
    #expect(value.optimizer.betas == [0.9, 0.999])
    #expect(value.batchSize == 64)
  }

  @Test("every written value is decoded")
  func values() throws {
    let value = try decode(
      """
      name: night run
      seed: 1e3
      path: "7"
      shuffled: false
      objective:
        name: beta-vae
        beta: {from: 0.5, to: 4, steps: 100}
        estimator: stratified
      training:
        optimizer: {learning_rate: 5.0e-4, betas: [0.5, .9]}
        batch_size: 16
      """)
    #expect(value.name == "night run")
    #expect(value.seed == 1000)
    #expect(value.path == "7")
    #expect(!value.shuffled)
    #expect(value.objective.beta == .linear(from: 0.5, to: 4, steps: 100))
    #expect(value.objective.estimator == .stratified)
    #expect(value.optimizer.learningRate == 5e-4)
    #expect(value.optimizer.betas == [0.5, 0.9])
    #expect(value.batchSize == 16)
  }

  @Test(
    "the resolved listing decodes to an equal value, and resolves to itself",
    arguments: [
      "objective: {name: vae}",
      "{name: '1e5', path: 'true', objective: {name: vae, beta: 1.0e-5}}",
      "{name: 'it''s: # fine', path: \"a\\nb\\tc\", objective: {name: vae, beta: {to: 0.1, steps: 3}}}",
      "{name: ' spaced ', path: ~, objective: {name: vae}, training: {optimizer: {learning_rate: 0.30000000000000004}}}",
      "{name: β-TCVAE 😀, path: '-', objective: {name: vae}, seed: 9223372036854775807}",
      "{name: '2024-01-01', path: 'null', objective: {name: vae, beta: 123456789012345680}}",
    ])
  func roundTrip(yaml: String) throws {
    let first = try ConfigurationDocument(yaml: yaml, source: "first").decode(SampleConfiguration.self)
    let second = try ConfigurationDocument(yaml: first.yaml, source: "second").decode(SampleConfiguration.self)
    #expect(second.value == first.value)
    #expect(second.yaml == first.yaml)
  }

  @Test("the resolved listing shows every key, in the order of the decoder, and keeps a warm-up's form")
  func listing() throws {
    let document = try ConfigurationDocument(
      yaml: "training: {batch_size: 8}\nobjective: {beta: {to: 1, steps: 10}, name: vae}", source: "x")
    #expect(
      try document.decode(SampleConfiguration.self).yaml == """
        name: run
        seed: 0
        path: null
        shuffled: true
        objective:
          name: vae
          beta: {from: 0, to: 1, steps: 10}
          estimator: weighted
        training:
          optimizer:
            learning_rate: 0.0001
            betas: [0.9, 0.999]
          batch_size: 8

        """)
  }

  @Test("a document locates a key, or its nearest enclosing section")
  func location() throws {
    let document = try ConfigurationDocument(
      yaml: "objective:\n  name: vae\n", source: "c.yaml", overrides: ["training.batch_size=9"])
    #expect(document.location(of: "objective.name").description == "c.yaml:2:9")
    #expect(document.location(of: "objective.beta").description == "c.yaml:2:3")
    #expect(document.location(of: "training.batch_size").description == "--set training.batch_size=9")
    #expect(document.location(of: "name").description == "c.yaml:1:1")
  }

  @Test("files that are not a configuration give one clear error")
  func files() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("configuration-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func message(_ name: String, _ data: Data?) throws -> String {
      let file = folder.appendingPathComponent(name)
      try data?.write(to: file)
      let error = try #require(throws: StructuredError.self) { try ConfigurationDocument(path: file.path) }
      #expect(error.location?.hasPrefix(file.path) == true)
      return error.what
    }
    #expect(try message("missing.yaml", nil) == "there is no such file")
    #expect(try message("", nil) == "is a directory")
    #expect(try message("empty.yaml", Data()) == "the configuration is empty")
    #expect(try message("comment.yaml", Data("# nothing\n".utf8)) == "the configuration is empty")
    #expect(try message("binary.yaml", Data([0xff, 0xfe, 0x00, 0x80])) == "is not UTF-8 text")
    #expect(try message("large.yaml", Data(repeating: 0x20, count: 2 << 20)) == "is larger than 1 MiB")
    let good = folder.appendingPathComponent("good.yaml")
    try Data("\u{FEFF}objective: {name: vae}\r\n".utf8).write(to: good)
    #expect(try ConfigurationDocument(path: good.path).decode(SampleConfiguration.self).value.objective.name == "vae")
  }
}
