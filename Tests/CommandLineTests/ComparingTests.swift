import FileFormats
import Foundation
import TestSupport
import Testing

// Reports of several runs: comparisons and studies.
extension CommandLineTests.ReportTests {
  @Test("More than four groups have a row each, with their names, and the metrics of those that have them")
  func manyGroups() throws {
    for beta in 1...5 {
      try train(
        "--set name=beta-\(beta) --set training.steps=2 --set 'objective={name: beta-vae, beta: \(beta)}'",
        output: "beta-\(beta)")
    }
    _ = try report("--metrics fast", run: "beta-3")
    let result = try run("compare beta-1 beta-2 beta-3 beta-4 beta-5 -o many \(Self.quick)")
    #expect(result.code == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n").map(String.init)
    let header = try #require(lines.first { $0.contains("dwKL") })
    #expect(header.contains("MIG, exact") && header.contains("mig ") && header.contains("dci"))
    for beta in 1...5 {
      let row = try #require(lines.first { $0.contains("  beta-\(beta) ") })
      #expect(row.contains("–") == (beta != 3), "\(row)")
    }
    let contents = try json("many/comparison.json")
    #expect(
      (contents["groups"] as? [[String: Any]])?.map { $0["label"] as? String ?? "" } == (1...5).map { "beta-\($0)" })
    #expect(value("groups.2.quantities.metric_mig.mean", in: contents) is Double)
    let page = String(decoding: try experiment.data("many/index.html"), as: UTF8.self)
    #expect(try checkNumbers(page, against: contents) > 50)
  }

  @Test("Runs are compared with seeds as mean and standard deviation, from reports where there are some")
  func compare() throws {
    try train("--seed 1", output: "a")
    try train("--seed 2", output: "b")
    try train("--set objective.beta=1", output: "c")
    for name in ["a", "b", "c"] { _ = try report(run: name) }
    let result = try run("compare a b c")
    #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
    #expect(result.output.contains("beta 6") && result.output.contains("beta 1"))
    let contents = try json("comparison/comparison.json")
    let groups = try #require(contents["groups"] as? [[String: Any]])
    #expect(groups.map { ($0["runs"] as? [Any])?.count } == [2, 1])
    for name in ["rate", "elbo"] {
      let path = name == "rate" ? "decomposition.rate" : "rate_distortion.elbo.value"
      let values = try ["a", "b"].map {
        try #require(value(path, in: json("\($0)/report/report.json")) as? Double)
      }
      let quantity = try #require(value("quantities.\(name)", in: groups[0]) as? [String: Any])
      let mean = (values[0] + values[1]) / 2, deviation = abs(values[0] - values[1]) / 2.0.squareRoot()
      // Rounding of a sum of two.
      #expect(abs((quantity["mean"] as? Double ?? .nan) - mean) <= 1e-12 * abs(mean))
      #expect(
        abs((quantity["standard_deviation"] as? Double ?? .nan) - deviation) <= 1e-9 * max(deviation, abs(mean)))
    }
    #expect(value("quantities.elbo.standard_deviation", in: groups[1]) == nil)
    let page = String(decoding: try experiment.data("comparison/index.html"), as: UTF8.self)
    #expect(try checkNumbers(page, against: contents) > 20)
    for name in ["decomposition", "latents", "training", "likelihood", "rate-distortion"] {
      let texts = XMLTexts(try experiment.data("comparison/figures/\(name).svg"))
      #expect(texts.isWhole && texts.all.contains("beta 6") && texts.all.contains("nats"), "\(name)")
    }
    let first = try experiment.data("comparison/comparison.json")
    #expect(try run("compare a b c").code == 0)
    let same = try experiment.data("comparison/comparison.json") == first
    #expect(same)
    // A run without a full report is measured, and so is one whose weights have changed.
    try FileManager.default.removeItem(atPath: experiment.folder.file("c/report"))
    try FileManager.default.removeItem(atPath: experiment.folder.file("b/weights.safetensors"))
    try FileManager.default.copyItem(
      atPath: experiment.folder.file("a/weights.safetensors"),
      toPath: experiment.folder.file("b/weights.safetensors"))
    let again = try run("compare a b c \(Self.quick)")
    #expect(again.code == 0 && !again.errors.contains("a: encoding"), "\(again.errors)")
    #expect(again.errors.contains("b: encoding all images") && again.errors.contains("c: reading the posteriors"))
  }

  @Test("A study trains its runs once, takes others as they are, and draws them with their bounds")
  func study() throws {
    try train(output: "other")
    _ = try experiment.folder.write(
      """
      name: beta
      configuration: config.yaml
      set: [training.steps=6, training.checkpoint_every=3]
      vary: {key: objective.beta, values: [1, 8.5]}
      seeds: [1, 2]
      runs: [other]
      """.utf8, as: "study.yaml")
    let result = try run("rate-distortion study.yaml")
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.output.contains("[4/4] beta 8.5 → runs/beta/beta-8.5-seed-2"))
    let folder = "runs/beta/rate-distortion"
    let contents = try json("\(folder)/rate-distortion.json")
    let points = try #require(contents["points"] as? [[String: Any]])
    #expect(points.count == 5)
    let rates = points.compactMap { $0["rate"] as? Double }
    #expect(rates == rates.sorted())
    let labels = points.compactMap { $0["label"] as? String }.sorted()
    #expect(labels == ["beta 1", "beta 1", "beta 8.5", "beta 8.5", "small"])
    for point in points {
      let lower = try #require(value("lower_bound", in: point) as? Double)
      let entropy = try #require(value("data_entropy", in: point) as? Double)
      let distortion = try #require(value("distortion.value", in: point) as? Double)
      // Rounding of reading three numbers.
      #expect(abs(lower - entropy + distortion) < 1e-10 && point["within_bounds"] as? Bool == true)
    }
    let texts = XMLTexts(try experiment.data("\(folder)/figures/rate-distortion.svg"))
    #expect(texts.isWhole && texts.all.contains("distortion D, nats") && texts.all.contains("equal ELBO"))
    let page = String(decoding: try experiment.data("\(folder)/index.html"), as: UTF8.self)
    #expect(try checkNumbers(page, against: contents) > 30)

    let first = try experiment.data("\(folder)/rate-distortion.json")
    let again = try run("rate-distortion study.yaml")
    #expect(again.code == 0 && again.output.components(separatedBy: "It is complete already.").count == 5)
    let same = try experiment.data("\(folder)/rate-distortion.json") == first
    #expect(same)
  }

  @Test(
    "A study that cannot be understood is one error, and nothing is trained",
    arguments: [
      ("name: x\n", "study.yaml", "runs"), ("runs: [none]\n", "none", "no such run folder"),
      ("configuration: config.yaml\n", "study.yaml", "vary"),
      ("vary: {key: objective.beta, values: [1]}\n", "study.yaml", "configuration"),
      ("configuration: config.yaml\nvary: {key: objective.bet, values: [1]}\n", "objective.bet", "beta"),
      ("configuration: none.yaml\nvary: {key: objective.beta, values: [1]}\n", "none.yaml", "no such file"),
      ("configuration: config.yaml\nvary: {key: objective.beta, values: []}\n", "study.yaml", "values"),
      ("runs: [run]\nseed: 1\n", "study.yaml", "seeds"),
    ])
  func badStudy(text: String, place: String, hint: String) throws {
    _ = try experiment.folder.write(text.utf8, as: "study.yaml")
    expectError(try run("rate-distortion study.yaml"), place, hint)
    #expect(!FileManager.default.fileExists(atPath: experiment.folder.file("runs")))
  }
}
