import Diagnostics
import DisentanglementMetrics
import Experiment
import FileFormats
import Foundation
import StrictConfiguration
import TestSupport
import Testing

/// Changed texts: configurations, overrides, logs, and the markers of folders.
@Suite struct TextFuzzingTests {
  private func check(_ outcome: Fuzzing.Outcome, of fuzzing: Fuzzing) {
    #expect(outcome.others.isEmpty, "\(outcome.others.prefix(5))")
    #expect(outcome.values > 0 && outcome.refused > 0 && outcome.values + outcome.refused == fuzzing.count)
  }

  private func text(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
  }

  static let experiment = """
    name: small
    seed: 3
    dataset: {name: file, path: data.h5, images: imgs}
    model:
      architecture: burgess
      latents: 4
      likelihood: {name: gaussian, standard_deviation: 0.1}
    objective:
      name: beta-tcvae
      beta: {from: 1, to: 6, steps: 100}
      estimator: mss
    training:
      steps: 100
      batch_size: 16
      optimizer: {name: adam, learning_rate: 1.0e-3, beta2: .999}
      checkpoint_every: 10
    report: {samples: 200}
    """

  @Test("Changed configurations are read or refused") func configurations() throws {
    let fuzzing = Fuzzing(few: 1000, share: 0.08)
    let corpus = try [
      Self.experiment, Self.experiment.replacingOccurrences(of: "beta-tcvae", with: "vae # β ≥ 1"),
      TrainerTests.configuration(TrainerTests.factor).yaml,
      "name: &a small\nseed: 1\nobjective: {name: beta-vae, beta: [1, 2]}\nreport: *a\ntraining:\n  epochs: 3\n",
    ].map { FileMutator(Array($0.utf8)) }
    let outcome = try fuzzing.run("configuration", corpus) {
      _ = try ConfigurationDocument(path: $0).decode(ExperimentConfiguration.self)
    }
    check(outcome, of: fuzzing)
  }

  @Test("Changed configurations of metrics are read or refused") func metrics() throws {
    let fuzzing = Fuzzing(few: 500, share: 0.02)
    // In a comment a change means nothing, so that some are read.
    let yaml =
      "# \(String(repeating: "a comment ", count: 200))\npreset: fast\nseed: 3\nmetrics: [mig, dci]\nmig: {bins: 20, bootstrap: 5}\ndci:\n  repeats: 2\n"
    let outcome = try fuzzing.run("metrics", [FileMutator(Array(yaml.utf8))]) {
      _ = try ConfigurationDocument(path: $0).decode(EvaluationConfiguration.self)
    }
    check(outcome, of: fuzzing)
  }

  @Test("Changed overrides are read or refused") func overrides() throws {
    let fuzzing = Fuzzing(few: 1000, share: 0.04)
    let corpus = [
      "objective.beta=6", "training.optimizer.learning_rate=1e-4", "objective.beta={from: 1, to: 6, steps: 100}",
      "model.likelihood={name: laplace, scale: 0.1}", "name=\"β\"", "dataset.path=null", "training.steps=[1, 2]",
    ].map { FileMutator(Array($0.utf8)) }
    let outcome = try fuzzing.run("override", corpus) {
      _ = try ConfigurationDocument(yaml: Self.experiment, source: "test", overrides: [self.text($0)])
        .decode(ExperimentConfiguration.self)
    }
    check(outcome, of: fuzzing)
  }

  @Test("Changed metrics are cut back to whole rows or refused") func eventLogs() throws {
    let fuzzing = Fuzzing(few: 500, share: 0.02)
    let rows = (1...6).map {
      EventLog.Row(step: $0, [.init("loss", 1.5 / Double($0)), .init("β\"\n", .nan), .init("seconds", 1e-300)]).json
    }
    let outcome = try fuzzing.run("events", [FileMutator(Array((rows.joined(separator: "\n") + "\n").utf8))]) { path in
      try EventLog.truncate(path: path, afterStep: 4)
      let kept = try self.text(path)
      guard kept.isEmpty || kept.hasSuffix("\n") else { throw Fuzzing.Wrong("a torn row is left") }
    }
    check(outcome, of: fuzzing)
  }

  @Test("Changed TensorBoard events are cut back to whole events or refused") func tensorBoard() throws {
    let fuzzing = Fuzzing(few: 500, share: 0.02), folder = try TemporaryFolder()
    let log = try TensorBoardLog(path: folder.file("events"))
    for step in 1...6 { try log.append(EventLog.Row(step: step, [.init("loss", 0.5)])) }
    let sound = FileMutator([UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file("events")))))
    let outcome = try fuzzing.run("tensorboard", [sound]) { try TensorBoardLog.truncate(path: $0, afterStep: 4) }
    check(outcome, of: fuzzing)
  }

  @Test("With a changed marker a folder is replaced or refused, and a file of others is never lost")
  func markers() throws {
    let fuzzing = Fuzzing(few: 300, share: 0.005), folder = try TemporaryFolder(), kind = FolderKind("report")
    let files = ["index.html", "figures/a.svg"].map { (name: $0, data: Data("content".utf8)) }
    try AtomicFolder.write(files, to: folder.file("sound"), as: kind)
    let marker = try Data(contentsOf: URL(fileURLWithPath: folder.file("sound/.disentangle.json")))
    let outcome = try fuzzing.run("marker", [FileMutator([UInt8](marker))]) { path in
      let place = folder.file(PathParts(path).name), target = place + "/report"
      try? FileManager.default.removeItem(atPath: place)
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: folder.file("sound"), toPath: target)
      try Data("mine".utf8).write(to: URL(fileURLWithPath: target + "/thesis.tex"))
      try Data(contentsOf: URL(fileURLWithPath: path)).write(to: URL(fileURLWithPath: target + "/.disentangle.json"))
      defer {
        if FileManager.default.contents(atPath: target + "/thesis.tex") != Data("mine".utf8) {
          Issue.record("the file of others is lost, marker \((try? self.text(path)) ?? "")")
        }
      }
      try AtomicFolder.write(files, to: target, as: kind)
    }
    check(outcome, of: fuzzing)
  }
}
