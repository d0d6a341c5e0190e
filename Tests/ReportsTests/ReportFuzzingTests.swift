import Experiment
import FileFormats
import Foundation
import Reports
import StrictConfiguration
import Studies
import TestSupport
import Testing

/// Changed files that reports and studies are made from.
@Suite struct ReportFuzzingTests {
  private func check(_ outcome: Fuzzing.Outcome, of fuzzing: Fuzzing) {
    #expect(outcome.others.isEmpty, "\(outcome.others.prefix(5))")
    #expect(outcome.values > 0 && outcome.refused > 0 && outcome.values + outcome.refused == fuzzing.count)
  }

  @Test("Changed logs of training become a history or are refused") func histories() throws {
    let fuzzing = Fuzzing(few: 500, share: 0.03), folder = try TemporaryFolder()
    let rows = (1...6).map { EventLog.Row(step: $0, [.init("loss", 1.5), .init("a,b", .infinity)]).json + "\n" }
    let outcome = try fuzzing.run("history", [FileMutator(Array(rows.joined().utf8))]) { path in
      let run = folder.file(PathParts(path).name)
      try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: true)
      try Data("name: small\n".utf8).write(to: URL(fileURLWithPath: run + "/config.yaml"))
      try Data(contentsOf: URL(fileURLWithPath: path)).write(to: URL(fileURLWithPath: run + "/metrics.jsonl"))
      _ = try TrainingHistory(reading: RunFolder.open(at: run))
    }
    check(outcome, of: fuzzing)
  }

  @Test("Changed studies are read or refused, and their runs have names of folders") func studies() throws {
    let fuzzing = Fuzzing(few: 500, share: 0.02)
    let yaml = """
      name: beta
      configuration: configs/beta-vae.yaml
      set: [training.steps=6000]
      vary: {key: objective.beta, values: [0.5, 1, 2.5e-7]}
      seeds: [1, 2]
      runs: [runs/another]
      """
    let outcome = try fuzzing.run("study", [FileMutator(Array(yaml.utf8))]) { path in
      let study = try ConfigurationDocument(path: path).decode(RateDistortionStudy.self).value
      for plan in study.sweep?.plans ?? [] where plan.folder.contains("/") { throw Fuzzing.Wrong(plan.folder) }
    }
    check(outcome, of: fuzzing)
  }
}
