import Diagnostics
import Figures
import Foundation
import Studies
import StudyReports
import TensorCore
import TestSupport
import Testing

@Suite("Study report: page, figures and files")
struct StudyReportWritingTests {
  private func read(_ folder: TemporaryFolder, _ name: String) throws -> String {
    try String(contentsOfFile: folder.file("report/\(name)"), encoding: .utf8)
  }

  @Test("the folder holds page, Markdown, numbers and figures, and is replaced by another report")
  func folder() throws {
    let folder = try TemporaryFolder(), path = folder.file("report")
    try StudyReport.requireWritable(path)
    let report = try StudyReport(name: "strengths", runs: StudyReportExamples.effects(), seed: 1, resamples: 50)
    try report.write(to: path)
    try report.write(to: path)
    let page = try read(folder, "index.html"), markdown = try read(folder, "report.md")
    for heading in [
      "Scores by objective", "Scores by strength", "Rate and distortion", "Objectives, strengths and seeds",
      "Objectives against each other", "Choosing without labels",
    ] {
      #expect(page.contains(">\(heading)</h2>") && markdown.contains("## \(heading)"), "\(heading)")
    }
    for absent in ["Downstream tasks", "Other data sets", "Failed and unreadable runs", "Findings by data set"] {
      #expect(!page.contains(absent), "\(absent)")
    }
    let data = try Data(contentsOf: URL(fileURLWithPath: path + "/report.json"))
    #expect(try JSONDecoder().decode(StudyReport.Contents.self, from: data) == report.contents)
    let names = ["scores", "information", "strengths", "strengths-information", "plane", "correlations", "variance"]
    #expect(report.figures.map(\.name) == names + ["superiority", "choices"])
    for figure in report.figures {
      let svg = XMLTexts(Data(try read(folder, "figures/\(figure.name).svg").utf8))
      #expect(svg.isWhole, "\(figure.name)")
      for kind in ["pdf", "png"] {
        #expect(FileManager.default.fileExists(atPath: folder.file("report/figures/\(figure.name).\(kind)")))
      }
    }
  }

  @Test("every number of the page stands in the JSON file at its path")
  func paths() throws {
    let folder = try TemporaryFolder()
    let runs = StudyReportExamples.effects(seeds: 3, datasets: ["dataset one", "dataset two"])
    try StudyReport(name: "study", runs: runs, seed: 1, resamples: 20).write(to: folder.file("report"))
    let page = try read(folder, "index.html")
    let json = try JSONSerialization.jsonObject(with: Data(try read(folder, "report.json").utf8))
    var count = 0
    for match in page.matches(of: /<data value="([^"]*)" data-path="([^"]*)">/) {
      var object: Any? = json
      for key in match.2.split(separator: ".") {
        object = (object as? [String: Any])?[String(key)] ?? Int(key).flatMap { (object as? [Any])?[$0] }
      }
      let found = (object as? NSNumber)?.doubleValue
      // JSONSerialization reads numbers to the last bit but one.
      guard let found, let shown = Double(match.1), abs(found - shown) <= 1e-14 * abs(shown) else {
        Issue.record("\(match.2) is \(String(describing: object)), not \(match.1)")
        return
      }
      count += 1
    }
    #expect(count > 500)
  }

  @Test("hostile names are escaped in the page and cut off in figures")
  func hostileNames() throws {
    let name = "<script>alert('1')</script>\u{1B}[31m & \"x\"\n" + String(repeating: "long ", count: 60)
    var runs = StudyReportExamples.effects(seeds: 3, datasets: [name])
    for index in runs.indices {
      runs[index].objective = name + runs[index].objective
      runs[index].measured?.values.append(.init(name, Double(index % 5)))
    }
    runs[0].measured = nil
    (runs[0].state, runs[0].error) = ("failed", name)
    let folder = try TemporaryFolder()
    let report = try StudyReport(name: name, runs: runs, seed: 1, resamples: 20)
    try report.write(to: folder.file("report"))
    let page = try read(folder, "index.html")
    #expect(!page.contains("<script") && page.contains("&lt;script&gt;") && !page.contains("\u{1B}"))
    #expect(!report.text.contains("\u{1B}"))
    for figure in report.figures {
      #expect(figure.width < 700 && figure.height < 2_500, "\(figure.name) is \(figure.width) × \(figure.height)")
      #expect(XMLTexts(Data(try figure.svg().utf8)).isWhole)
    }
  }

  @Test("long lists of failures end in how many more there are")
  func manyFailures() throws {
    var runs = StudyReportExamples.effects(seeds: 6)
    for index in 1..<31 {
      (runs[index].state, runs[index].measured, runs[index].error) = ("failed", nil, "failure \(index)")
    }
    let folder = try TemporaryFolder()
    try StudyReport(name: "study", runs: runs, seed: 1, resamples: 10).write(to: folder.file("report"))
    let markdown = try read(folder, "report.md")
    #expect(markdown.contains("failed, failure 20\n") && !markdown.contains("failure 21"))
    #expect(markdown.contains("- and 10 more"))
  }

  @Test("no metrics, missing and equal scores, scores beyond any axis")
  func unusualScores() throws {
    let plain = (0..<6).map { seed in
      StudyRun(
        objective: "vae", strength: "", seed: seed,
        measured: .init(values: StudyReportExamples.information(rate: 5 + Double(seed), totalCorrelation: 1)))
    }
    let report = try StudyReport(name: "study", runs: plain, seed: 1, resamples: 20), set = report.contents.datasets[0]
    #expect(set.metrics.isEmpty && report.contents.choices.isEmpty && set.superiority.isEmpty)
    #expect(report.figures.map(\.name) == ["information", "strengths-information", "plane", "correlations"])
    #expect(report.text.contains("I(x; z)"))

    var odd = StudyReportExamples.effects(seeds: 3)
    for index in odd.indices {
      odd[index].measured?.values += [
        .init("equal", 0.5), .init("undefined", nil), .init("huge", index % 2 == 0 ? 1e308 : -1e308),
        .init("infinite", index % 2 == 0 ? .infinity : 0.5),
      ]
      if index % 3 == 0 { odd[index].measured?.values.append(.init("rare", Double(index))) }
      if index % 4 == 0 { odd[index].measured?.values.removeAll { $0.name == "distortion" || $0.name == "elbo" } }
    }
    let folder = try TemporaryFolder(), unusual = try StudyReport(name: "study", runs: odd, seed: 1, resamples: 20)
    try unusual.write(to: folder.file("report"))
    let numbers = unusual.contents.datasets[0]
    #expect(!numbers.metrics.contains("undefined") && numbers.metrics.contains("equal"))
    #expect(numbers.superiority.first { $0.score == "equal" }?.probabilities[0][1] == 0.5)
    #expect(unusual.contents.choices.first { $0.target == "equal" }?.share == nil)
    #expect(numbers.objectives[0].scores.first { $0.name == "rare" }?.missing == 6)
    #expect(!(try read(folder, "report.json")).contains("\"nan\""))
  }

  @Test("more objectives and scores than a figure holds: captions say what is left out, and PNG files can be drawn")
  func manyNames() throws {
    let runs = (0..<90).map { index -> StudyRun in
      let metrics = (0..<42).map { metric in
        RunResult.Score("metric-\(metric)", Double((index * (metric + 3)) % 11))
      }
      let information = StudyReportExamples.information(rate: 5 + Double(index), totalCorrelation: Double(index % 7))
      return StudyRun(
        objective: "objective \(index / 2)", strength: "", seed: index % 2,
        measured: .init(values: information + metrics))
    }
    let report = try StudyReport(name: "study", runs: runs, seed: 1, resamples: 2)
    let scores = try #require(report.figures.first { $0.name == "scores" })
    #expect(scores.caption.contains("The first 40 of 42 scores are drawn. The first 40 of 45 objectives are drawn."))
    for figure in report.figures { #expect(try !figure.png().isEmpty, "\(figure.name)") }
  }

  @Test("no finished run is an error that says what to do")
  func nothingFinished() {
    var runs = StudyReportExamples.effects(seeds: 1)
    for index in runs.indices { runs[index].measured = nil }
    #expect(
      throws: StructuredError(
        "no run of the study is finished", at: "study", expected: "at least one of 9 runs",
        action: "Train it first, or see why runs fail: disentangle study status")
    ) { try StudyReport(name: "study", runs: runs, seed: 1) }
  }

  @Test("points of many runs are thinned, which captions say")
  func thinning() throws {
    let runs = StudyReportExamples.effects(seeds: 150)
    let report = try StudyReport(name: "study", runs: runs, seed: 1, resamples: 2)
    let scores = try #require(report.figures.first { $0.name == "scores" })
    // 4 scores of 3 objectives with 450 runs each: at most 300 points of a group.
    let circles = XMLTexts(Data(try scores.svg().utf8)).counts["circle"] ?? 0
    #expect(circles == 12 * 300 && scores.caption.contains("At most 300 points of a group are drawn"))
    let few = try StudyReport(name: "study", runs: Array(runs.prefix(90)), seed: 1, resamples: 2)
    #expect(!few.figures.contains { $0.caption.contains("are drawn") })
  }
}
