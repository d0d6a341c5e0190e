import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  @Suite("Folders of reports")
  struct ReportFolderTests {
    private let experiment: SmallExperiment

    init() throws { experiment = try SmallExperiment(steps: 20, checkpointEvery: 10, logEvery: 5) }

    private func run(_ arguments: String) throws -> Program.Result {
      try Program.shell("exec \"$disentangle\" \(arguments)", in: experiment.folder)
    }

    private func done(_ arguments: String) throws -> Program.Result {
      let result = try run(arguments)
      try #require(result.code == 0, "\(arguments): \(result.errors)")
      return result
    }

    private func make(_ name: String, _ text: String) throws {
      let path = experiment.folder.file(name)
      try FileManager.default.createDirectory(
        at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
      _ = try experiment.folder.write(text.utf8, as: name)
    }

    private func json(_ name: String) throws -> [String: Any] {
      try #require(try JSONSerialization.jsonObject(with: experiment.data(name)) as? [String: Any])
    }

    @Test("Training writes the short report, the command report replaces it, and the same numbers stand in both")
    func forms() throws {
      _ = try done("train config.yaml --output run")
      let short = try json("run/report/report.json")
      #expect(short["form"] as? String == "short" && short["audit"] == nil && short["latents"] != nil)
      let figures = try FileManager.default.contentsOfDirectory(atPath: experiment.folder.file("run/report/figures"))
      #expect(
        Set(figures.filter { $0.hasSuffix(".png") })
          == ["decomposition.png", "latents.png", "reconstructions.png", "traversals-posterior.png"])
      let result = try done("report run \(ReportTests.quick)")
      #expect(!result.errors.contains("encoding all images"))
      let full = try json("run/report/report.json")
      #expect(full["form"] as? String == "full" && full["audit"] != nil)
      #expect(Set(short.keys).isSubset(of: full.keys))
      for key in ["title", "run", "decomposition", "latents", "rate_distortion"] {
        #expect(short[key] as? NSObject == full[key] as? NSObject, "\(key)")
      }
      // The full report is not replaced by the short one.
      let again = try done("train config.yaml --output run --resume")
      #expect(again.output.contains("Its report exists already."))
      let full2 = try json("run/report/report.json")
      #expect(full2["form"] as? String == "full")
    }

    @Test("thesis.tex survives, in a folder of ours and in one that is not")
    func thesis() throws {
      _ = try done("train config.yaml --output run")
      // A folder that happens to hold an index.html, as the program once deleted it.
      try make("thesis/index.html", "my page")
      try make("thesis/thesis.tex", "years of work")
      expectError(try run("report run -o thesis"), "thesis", "was not written by this program")
      #expect(try experiment.data("thesis/thesis.tex") == Data("years of work".utf8))
      #expect(try experiment.data("thesis/index.html") == Data("my page".utf8))
      // A report beside which somebody writes.
      try make("run/report/thesis.tex", "years of work")
      _ = try done("report run \(ReportTests.quick)")
      #expect(try experiment.data("run/report/thesis.tex") == Data("years of work".utf8))
      #expect(try json("run/report/report.json")["form"] as? String == "full")
      // A report that was edited.
      try make("run/report/report.md", "# With remarks of mine\n")
      expectError(try run("report run \(ReportTests.quick)"), "run/report", "report.md has been changed")
      #expect(try experiment.data("run/report/report.md") == Data("# With remarks of mine\n".utf8))
      let left = try FileManager.default.contentsOfDirectory(atPath: experiment.folder.file("run"))
      #expect(left.filter { $0.hasPrefix(".") } == [])
    }

    @Test("Two reports of one run at once: both end well, and one of them stays, whole")
    func concurrent() throws {
      _ = try done("train config.yaml --output run")
      let programs = try (0..<3).map { seed in
        try Program.start(
          "report", "run", "--likelihood-images", "0", "--audit-batches", "2", "--seed", "\(seed)", "--threads", "1",
          in: experiment.folder)
      }
      for program in programs {
        let result = try program.wait()
        #expect(result.code == 0, "\(result.errors)")
      }
      let seed = try #require((try json("run/report/report.json")["decomposition"] as? [String: Any])?["seed"] as? Int)
      #expect((0..<3).contains(seed))
      #expect(try experiment.tornFile(in: "run") == nil)
      let left = try FileManager.default.contentsOfDirectory(atPath: experiment.folder.file("run"))
      #expect(left.filter { $0.hasPrefix(".") } == [])
    }

    @Test("The report of an earlier version, beside the configuration, is read and not written anew")
    func earlierVersion() throws {
      _ = try done("train config.yaml --output run")
      let decomposition = try #require(try json("run/report/report.json")["decomposition"])
      try FileManager.default.removeItem(atPath: experiment.folder.file("run/report"))
      try FileManager.default.removeItem(atPath: experiment.folder.file("run/posteriors.h5"))
      try JSONSerialization.data(withJSONObject: decomposition)
        .write(to: URL(fileURLWithPath: experiment.folder.file("run/report.json")))
      let again = try done("train config.yaml --output run --resume")
      #expect(again.output.contains("Its report exists already."))
      try make("study.yaml", "name: old\nruns: [run]\n")
      let study = try done("rate-distortion study.yaml")
      #expect(!study.errors.contains("Encoding"))
      let points = try #require(try json("runs/old/rate-distortion/rate-distortion.json")["points"] as? [[String: Any]])
      // Rounding of a number that JSONSerialization has written and read.
      let rate = try #require((decomposition as? [String: Any])?["rate"] as? Double)
      #expect(abs((points[0]["rate"] as? Double ?? .nan) - rate) <= 1e-14 * rate)
      #expect(!FileManager.default.fileExists(atPath: experiment.folder.file("run/report")))
    }

    @Test("Where posteriors cannot be stored, everything is measured all the same")
    func unwritable() throws {
      _ = try done("train config.yaml --output run")
      let kept = try done("decompose run --format json")
      // Nobody can write a file where a folder is, whatever rights he has.
      try FileManager.default.removeItem(atPath: experiment.folder.file("run/posteriors.h5"))
      try make("run/posteriors.h5/file", "mine")
      let encoded = try done("decompose run --format json")
      #expect(encoded.errors.contains("Encoding all 512 images") && encoded.errors.contains("cannot be stored"))
      let same = kept.output == encoded.output
      #expect(same)
      let report = try done("report run \(ReportTests.quick)")
      #expect(report.errors.contains("The posteriors cannot be stored: ") && !report.errors.contains("Encoding all"))
      #expect(try experiment.data("run/posteriors.h5/file") == Data("mine".utf8))
    }
  }
}
