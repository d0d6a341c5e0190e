import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  @Suite("Output into pipes and files")
  struct StreamsTests {
    private let experiment: SmallExperiment

    init() throws { experiment = try SmallExperiment(steps: 30) }

    @Test("a run prints its plan, then progress, then its report, in this order")
    func order() throws {
      let result = try Program.shell(
        "\"$disentangle\" train config.yaml --threads 1 2>&1 | cat", in: experiment.folder)
      let parts = [
        "experiment     small, seed 3 → runs/small", "objective      beta-tcvae:", "arXiv:1802.04942",
        "architecture   burgess, 4 latents", "data           data.h5, 512 images", "training       30 steps, batch 2",
        "expected time  ", " 1/30 ", "30/30 100%", "Encoding all 512 images", "Rate decomposition",
        "total correlation", "The run is in runs/small",
      ]
      var rest = result.output[...]
      for part in parts {
        let range = rest.range(of: part)
        #expect(range != nil, "\"\(part)\" is not there, or not in its place:\n\(result.output)")
        if let range { rest = rest[range.upperBound...] }
      }
      #expect(result.output.hasSuffix("\n"))
      #expect(!result.output.contains("\u{1B}") && !result.output.contains("\r"))
    }

    @Test("results go to standard output and progress to standard error")
    func separate() throws {
      let result = try Program.run("train", "config.yaml", "--threads", "1", in: experiment.folder)
      #expect(result.code == 0)
      #expect(result.errors.contains("1/30") && result.errors.contains("30/30 100%"))
      #expect(!result.output.contains("1/30") && !result.output.contains("Encoding"))
      #expect(result.output.contains("experiment     small") && result.output.contains("Rate decomposition"))
      #expect(!result.errors.contains("Rate decomposition"))
    }

    @Test(
      "a closed pipe does not stop the run",
      arguments: ["| head -1", "2>&1 >/dev/null | head -1", "2>&1 | true", ">/dev/full", ">&-"])
    func closedPipe(redirection: String) throws {
      let result = try Program.shell(
        "{ \"$disentangle\" train config.yaml --threads 1; echo $? > code; } \(redirection)",
        in: experiment.folder)
      #expect(!result.errors.contains("rror") && !result.errors.contains("crashed"), "\(result.errors)")
      #expect(try experiment.data("code") == Data("0\n".utf8))
      #expect(try experiment.tornFile(in: "runs/small") == nil)
      let report = ["index.html", "report.json", "report.md", "figures/reconstructions.png"].map { "report/" + $0 }
      for file in ["weights.safetensors", "posteriors.h5"] + report {
        #expect(FileManager.default.fileExists(atPath: experiment.folder.file("runs/small/\(file)")), "\(file)")
      }
    }

    @Test("results that cannot be written are an error", arguments: ["config show config.yaml", "list objectives"])
    func fullOutput(command: String) throws {
      let result = try Program.shell("exec \"$disentangle\" \(command) >/dev/full", in: experiment.folder)
      expectError(result, "standard output", "No space left on device")
    }

    @Test("a closed pipe is not an error", arguments: ["config show config.yaml", "list objectives"])
    func head(command: String) throws {
      let result = try Program.shell("\"$disentangle\" \(command) | head -1; true", in: experiment.folder)
      #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
      #expect(result.output.split(separator: "\n").count == 1)
    }
  }
}
