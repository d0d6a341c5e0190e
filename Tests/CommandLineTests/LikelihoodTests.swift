import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  @Suite("Likelihoods")
  struct LikelihoodTests {
    private static let quick = "--images 3 --distributions 12 --chains 4"
    private let reporting: ReportTests

    init() throws { reporting = try ReportTests() }

    private func likelihood(_ more: String = "", run folder: String = "run") throws -> Program.Result {
      let result = try reporting.run("likelihood \(folder) \(Self.quick) \(more)")
      try #require(result.code == 0, "\(result.errors)")
      return result
    }

    @Test("Bounds and the decoder's curve are printed, kept in the run's folder, and shown by the report")
    func kept() throws {
      try reporting.train()
      let output = try likelihood("--method bdmc").output
      for part in [
        "log p̂(x), annealed importance sampling", "approximation gap", "amortisation gap", "bits for each value",
        "lower bound", "upper bound", "images drawn from the model", "of the prior's codes", "run/likelihood.json",
      ] { #expect(output.contains(part), "\(part) is missing in\n\(output)") }
      let curve = try likelihood("--method importance --codes 50 --curve --format json").output
      let file = String(decoding: try reporting.experiment.data("run/likelihood.json"), as: UTF8.self)
      // What was measured before is still there.
      #expect(curve == file)
      let kept = try reporting.json("run/likelihood.json")
      for key in ["bounds", "curve", "importance", "coverage"] { #expect(kept[key] != nil) }

      _ = try reporting.report()
      let contents = try reporting.json("run/report/report.json")
      let page = String(decoding: try reporting.experiment.data("run/report/index.html"), as: UTF8.self)
      #expect(page.contains("Bounds of log p(x)") && page.contains("rate–distortion curve</h2>"))
      #expect(try reporting.checkNumbers(page, against: contents) > 100)
      for figure in ["annealing", "coverage", "decoder-curve"] {
        #expect(!(try reporting.experiment.data("run/report/figures/\(figure).svg")).isEmpty)
      }
      // A run without a curve keeps its place.
      try reporting.train("--set 'objective={name: qlae, values: 4}'", output: "counted")
      let plane = try reporting.experiment.folder.write("name: plane\nruns: [counted, run]\n".utf8, as: "plane.yaml")
      let drawn = try reporting.run("rate-distortion \(plane) --output plane --curves")
      #expect(drawn.code == 0, "\(drawn.errors)")
      #expect(drawn.output.contains("this decoder needs a rate of"))
      let plotted = try reporting.json("plane/rate-distortion/rate-distortion.json")
      let curves = try #require(plotted["curves"] as? [Any])
      let points = try #require(plotted["points"] as? [[String: Any]])
      for (point, curve) in zip(points, curves) {
        #expect((curve is NSNull) == (point["objective"] as? String == "qlae"))
      }
      #expect(curves.count == 2 && points.count == 2)
    }

    @Test("A report with --likelihood ais bounds log p(x), keeps the result, and takes what is kept")
    func reported() throws {
      try reporting.train()
      let measured = try reporting.run("report run --likelihood ais --likelihood-images 1")
      #expect(measured.code == 0, "\(measured.errors)")
      let first = try #require(try reporting.json("run/report/report.json")["bounds"] as? [String: Any])
      let kept = try reporting.experiment.data("run/likelihood.json")
      #expect(try reporting.json("run/likelihood.json")["bounds"] as? NSDictionary == first as NSDictionary)
      _ = try likelihood("--seed 9")
      let other = try reporting.experiment.data("run/likelihood.json")
      #expect(other != kept)
      #expect(try reporting.run("report run --likelihood ais --likelihood-images 1").code == 0)
      #expect(try reporting.experiment.data("run/likelihood.json") == other)
      let none = try reporting.run("report run --likelihood ais --likelihood-images 0")
      #expect(none.code == 64 && none.errors.contains("--likelihood-images must be at least 1, not 0"))
    }

    @Test("The same seed gives the same file; other parameters make it invalid")
    func repeatable() throws {
      try reporting.train()
      _ = try likelihood()
      let first = try reporting.experiment.data("run/likelihood.json")
      _ = try likelihood("--threads 1")
      #expect(try reporting.experiment.data("run/likelihood.json") == first)
      _ = try likelihood("--seed 9")
      #expect(try reporting.experiment.data("run/likelihood.json") != first)
      // The weights of another seed beside it.
      try reporting.train("--set seed=4", output: "other")
      let weights = try reporting.experiment.data("other/weights.safetensors")
      _ = try reporting.experiment.folder.write(weights, as: "run/weights.safetensors")
      _ = try reporting.report()
      #expect(try reporting.json("run/report/report.json")["bounds"] == nil)
    }

    @Test("What cannot be measured is one error, and nothing is written")
    func refused() throws {
      try reporting.train("--set 'objective={name: qlae, values: 4}'")
      let result = try reporting.run("likelihood run")
      #expect(result.code == 1)
      #expect(
        result.errors.contains(
          "annealed importance sampling needs the density of a posterior, and the codes of this model are deterministic"
        ))
      #expect(try reporting.run("report run --likelihood ais").errors.contains("deterministic"))
      for (arguments, message) in [
        ("--images 0", "--images must be from 1 to 1000000, not 0"), ("--chains 1", "--chains must be from 2"),
        ("--distributions 0", "--distributions must be from 1"), ("--method exact", "'exact' is invalid"),
        ("--start q", "'q' is invalid"),
      ] {
        let result = try reporting.run("likelihood run \(arguments)")
        #expect(result.code == 64 && result.errors.contains(message), "\(result.errors)")
      }
      #expect(try reporting.run("likelihood nowhere").errors.contains("there is no such run folder"))
      #expect(!FileManager.default.fileExists(atPath: reporting.experiment.folder.file("run/likelihood.json")))
    }
  }
}
