import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  @Suite("Repeating a run")
  struct RepeatabilityTests {
    @Test("one seed gives one result, bit for bit; another seed another")
    func seeds() throws {
      let experiment = try SmallExperiment(steps: 1000, checkpointEvery: 1000, logEvery: 25)
      for (run, seed) in [("a", "5"), ("b", "5"), ("c", "6")] {
        let result = try Program.run(
          "train", "config.yaml", "--output", run, "--seed", seed, "--threads", "2", in: experiment.folder)
        try #require(result.code == 0, "\(result.errors)")
      }
      func weights(_ run: String) throws -> Data { try experiment.data("\(run)/weights.safetensors") }
      let sameWeights = try weights("a") == weights("b")
      let sameMetrics = try experiment.metrics(of: "a") == experiment.metrics(of: "b")
      #expect(sameWeights)
      #expect(sameMetrics)
      #expect(try experiment.metrics(of: "a").count == 40)
      let (last, other) = (try experiment.metrics(of: "a").last, try experiment.metrics(of: "c").last)
      #expect(last?["loss"] != nil && other?["loss"] != nil)
      #expect(last?["loss"] != other?["loss"])
    }
  }
}
