import Studies
import StudyReports
import TensorCore
import Testing

@Suite("Study report: findings")
struct StudyReportFindingsTests {
  private func findings(_ runs: [StudyRun], resamples: Int = 200) throws -> [String] {
    try StudyReport(name: "study", runs: runs, seed: 1, resamples: resamples).contents.findings
  }

  private func contains(_ findings: [String], _ parts: String...) -> Bool {
    findings.contains { sentence in parts.allSatisfy(sentence.contains) }
  }

  @Test("known effects are stated")
  func effects() throws {
    let findings = try findings(StudyReportExamples.effects())
    #expect(findings.contains("No finished run has collapsed: each has active units."))
    #expect(
      contains(
        findings, "Does low TC mean disentangled? By 1 of 4 scores", "a lower exact TC goes with a higher falling"))
    #expect(contains(findings, "the interval of ρ covers 0 for objective"))
    #expect(contains(findings, "Within objectives", "of 12 pairs"))
    #expect(
      findings.contains(
        "The minibatch TC (MWS) ranks runs in an order opposite to that of the exact TC: ρ = −1.00 [−1.00, −1.00]."))
    #expect(
      contains(findings, "Seeds explain more of the variance than objectives for 3 of 4 scores", "seed ("))
    #expect(
      findings.contains(
        "A random run of c-vae is more likely than not to have a higher score than one of each other objective, by "
          + "objective."))
    #expect(contains(findings, "For 3 of 4 scores, no objective is better than each other one beyond its interval."))
    #expect(contains(findings, "Of 6 ways to choose a run without labels, the largest UDR is the best"))
  }

  @Test("minibatch estimates that rank runs alike, otherwise, and perhaps otherwise")
  func ranking() throws {
    var stream = RandomStream(seed: 8)
    func sentence(noise: Double, count: Int) throws -> [String] {
      let runs = (0..<count).map { seed in
        let tc = stream.uniform()
        return StudyRun(
          objective: "vae", strength: "", seed: seed,
          measured: .init(
            values: StudyReportExamples.information(
              rate: 5, totalCorrelation: tc, mws: tc + noise * stream.normalPair().0) + [.init("mig", stream.uniform())]
          ))
      }
      return try findings(runs)
    }
    #expect(contains(try sentence(noise: 0.01, count: 60), "(MWS) ranks runs as the exact TC does: ρ = "))
    #expect(contains(try sentence(noise: 0.5, count: 60), "(MWS) ranks runs otherwise than the exact TC: ρ = "))
    #expect(contains(try sentence(noise: 0.12, count: 12), "(MWS) may rank runs otherwise than the exact TC: ρ = "))
  }

  @Test("unfinished and collapsed runs are counted and listed")
  func unfinished() throws {
    var runs = StudyReportExamples.effects(seeds: 2)
    for index in 0..<3 {
      (runs[index].state, runs[index].measured, runs[index].error) = ("failed", nil, "no memory")
    }
    (runs[3].state, runs[3].measured, runs[3].error) = ("unreadable", nil, "this is not the result of a run")
    (runs[4].state, runs[4].measured) = ("waiting", nil)
    runs[5].measured?.isCollapsed = true
    let contents = try StudyReport(name: "study", runs: runs, seed: 1, resamples: 10).contents, facts = contents.runs
    #expect(facts.planned == 18 && facts.finished == 13 && facts.failed == 3 && facts.unreadable == 1)
    #expect(facts.outstanding == 1 && facts.collapsed == [runs[5].label] && facts.seeds == [0, 1])
    #expect(facts.failures.map(\.state) == ["failed", "failed", "failed", "unreadable"])
    #expect(facts.failures[0].error == "no memory" && facts.settings == 9)
    // 13 runs of half an hour on one thread.
    #expect(facts.coreHours == 6.5)
    #expect(
      contents.findings.prefix(2) == [
        "13 of 18 runs finished (3 failed, 1 unreadable, 1 not yet finished); all numbers are of these.",
        "Of 13 finished runs, 1 collapsed: no latent is active.",
      ])
  }

  @Test("one seed: what seeds do is not known, and nothing is given an interval of 0")
  func oneSeed() throws {
    let runs = StudyReportExamples.effects(seeds: 1)
    let report = try StudyReport(name: "study", runs: runs, seed: 1, resamples: 50), set = report.contents.datasets[0]
    #expect(set.settings.allSatisfy { $0.scores.allSatisfy { $0.standardError == nil } })
    #expect(set.variance.allSatisfy { $0.seeds.value == nil && $0.objective.value != nil })
    #expect(
      report.contents.findings.contains(
        "No setting has two runs: the variance due to seeds cannot be told from that due to strengths."))
    #expect(report.figures.contains { $0.name == "variance" })
  }

  @Test("one run of one objective")
  func oneRun() throws {
    let report = try StudyReport(name: "study", runs: [StudyReportExamples.effects()[0]], seed: 1)
    let set = report.contents.datasets[0]
    #expect(set.superiority.isEmpty && set.variance.isEmpty && set.runs == 1)
    #expect(set.totalCorrelation.allSatisfy { $0.coefficient == nil && $0.interval == nil })
    #expect(report.contents.choices.allSatisfy { $0.share == nil && $0.interval == nil })
    #expect(
      report.contents.findings.contains(
        "Whether low TC means disentangled is not known: rank correlations need 3 runs with different values."))
    #expect(report.text.contains("a-vae"))
  }

  @Test("one run of each objective: no objective is called the best")
  func oneRunEach() throws {
    let runs = StudyReportExamples.effects(seeds: 1).filter { $0.strength == "beta 1" }
    #expect(
      try findings(runs).contains(
        "Which objective has higher scores is not known: there are no intervals, as each has one run."))
  }
}
