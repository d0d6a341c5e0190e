import Foundation
import TensorCore
import TestSupport
import Testing

extension CommandLineTests {
  @Suite("Stopping and resuming")
  struct ResumingTests {
    /// A run of 2,000 steps that nobody disturbed.
    private struct Undisturbed: Sendable {
      let weights: Data
      let metrics: [[String: Double]]
      let report: Data
      let seconds: Double

      init() throws {
        let experiment = try longExperiment()
        let start = ContinuousClock.now
        let result = try Program.run(
          "train", "config.yaml", "--output", "run", "--threads", "1", in: experiment.folder)
        seconds = (ContinuousClock.now - start) / .seconds(1)
        try #require(result.code == 0, "\(result.errors)")
        weights = try experiment.data("run/weights.safetensors")
        metrics = try experiment.metrics(of: "run")
        report = try experiment.data("run/report/report.json")
      }
    }

    private static let undisturbed = Swift.Result { try Undisturbed() }

    private static func longExperiment() throws -> SmallExperiment {
      try SmallExperiment(steps: 2000, checkpointEvery: 50, logEvery: 20)
    }

    private func expectUndisturbed(_ experiment: SmallExperiment) throws {
      let expected = try Self.undisturbed.get()
      // Compared before they are expected: a difference of arrays this long takes minutes to print.
      let sameWeights = try experiment.data("run/weights.safetensors") == expected.weights
      let sameMetrics = try experiment.metrics(of: "run") == expected.metrics
      let sameReport = try experiment.data("run/report/report.json") == expected.report
      #expect(sameWeights && sameMetrics && sameReport)
      #expect(try experiment.metrics(of: "run").compactMap { $0["step"] } == (1...100).map { Double($0 * 20) })
    }

    @Test("a run killed at ten random moments ends with the bits of one that was left alone")
    func kill() throws {
      let expected = try Self.undisturbed.get()
      #expect(expected.metrics.count == 100)
      var random = RandomStream(seed: 20)
      var kills = 0, experiment = try Self.longExperiment()
      // Each kill comes within a seventh of the run's time after the last. Where the machine speeds up meanwhile, a run
      // may end before the tenth; then it is compared and the remaining kills hit another.
      while kills < 10 {
        let program = try Program.start(
          "train", "config.yaml", "--output", "run", "--threads", "1", "--resume", in: experiment.folder)
        let seconds = expected.seconds * Double(random.integer(below: 1000)) / 7000
        if program.isKilled(after: seconds) {
          kills += 1
        } else {
          let result = try program.wait()
          try #require(result.code == 0, "\(result.errors)")
          try expectUndisturbed(experiment)
          experiment = try Self.longExperiment()
        }
        #expect(try experiment.tornFile(in: "run") == nil)
      }
      let last = try Program.run(
        "train", "config.yaml", "--output", "run", "--threads", "1", "--resume", in: experiment.folder)
      try #require(last.code == 0, "\(last.errors)")
      try expectUndisturbed(experiment)
      #expect(try experiment.tornFile(in: "run") == nil)
      // What was in the making when a kill came has been used up.
      let names = try FileManager.default.contentsOfDirectory(atPath: experiment.folder.file("run"))
      #expect(names.filter { $0.hasPrefix(".") } == [])
    }

    @Test(
      "an interrupted run saves a checkpoint, says so, and resumes bit for bit",
      arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143)), (SIGHUP, Int32(129))])
    func interrupt(signal: Int32, code: Int32) throws {
      let experiment = try Self.longExperiment()
      let program = try Program.start(
        "train", "config.yaml", "--output", "run", "--threads", "1", in: experiment.folder)
      #expect(program.waitForProgress())
      program.signal(signal)
      let result = try program.wait()
      #expect(result.code == code, "\(result.errors)")
      let step = try #require(try experiment.checkpointStep(of: "run"))
      #expect(step > 0 && step < 2000)
      #expect(result.output.contains("Stopped after step \(step); the checkpoint is saved."))
      #expect(result.output.contains("--resume"))
      #expect(!result.errors.contains("error"))
      #expect(!FileManager.default.fileExists(atPath: experiment.folder.file("run/weights.safetensors")))

      // What there is can be measured: the checkpoint.
      let unfinished = try Program.run("decompose", "run", "--samples", "50", in: experiment.folder)
      #expect(unfinished.code == 0, "\(unfinished.errors)")
      #expect(unfinished.output.contains("mutual information"))

      let resumed = try Program.run(
        "train", "config.yaml", "--output", "run", "--threads", "1", "--resume", in: experiment.folder)
      #expect(resumed.code == 0, "\(resumed.errors)")
      #expect(resumed.output.contains("Resumed after step \(step)."))
      try expectUndisturbed(experiment)
    }

    @Test("a complete run is not trained again; a report that is missing is made again")
    func complete() throws {
      let experiment = try SmallExperiment(steps: 20)
      let first = try Program.run("train", "config.yaml", "--threads", "1", in: experiment.folder)
      try #require(first.code == 0, "\(first.errors)")
      let before = try experiment.snapshot()
      let again = try Program.run("train", "config.yaml", "--threads", "1", "--resume", in: experiment.folder)
      #expect(again.code == 0)
      #expect(again.output.contains("The run in runs/small is complete after step 20"))
      #expect(!again.output.contains("expected time"))
      let untouched = try experiment.snapshot() == before
      #expect(untouched)

      try FileManager.default.removeItem(atPath: experiment.folder.file("runs/small/report/report.md"))
      let mended = try Program.run("train", "config.yaml", "--threads", "1", "--resume", in: experiment.folder)
      #expect(mended.code == 0)
      #expect(mended.output.contains("Rate decomposition"))
      let same = try experiment.snapshot() == before
      #expect(same)
    }

    @Test("--no-report ends with the weights; the report can be made later, and is the same")
    func withoutReport() throws {
      let experiment = try SmallExperiment(steps: 20)
      let plain = try Program.run(
        "train", "config.yaml", "--threads", "1", "--output", "plain", in: experiment.folder)
      try #require(plain.code == 0, "\(plain.errors)")
      // The second time there is nothing left to do.
      for _ in 0..<2 {
        let result = try Program.run(
          "train", "config.yaml", "--threads", "1", "--output", "run", "--resume", "--no-report",
          in: experiment.folder)
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.output.contains("The run is in run. Write its report: disentangle report run\n"))
        for name in ["run/report", "run/posteriors.h5"] {
          #expect(!FileManager.default.fileExists(atPath: experiment.folder.file(name)), "\(name)")
        }
      }
      let later = try Program.run(
        "train", "config.yaml", "--threads", "1", "--output", "run", "--resume", in: experiment.folder)
      #expect(later.code == 0 && later.output.contains("Rate decomposition"), "\(later.errors)")
      let same = try experiment.data("run/weights.safetensors") == experiment.data("plain/weights.safetensors")
      #expect(same)
      let sameReport = try experiment.data("run/report/report.json") == experiment.data("plain/report/report.json")
      #expect(sameReport)
    }
  }
}
