import Diagnostics
import Foundation
import Studies
import StudyReports
import TensorCore
import Testing

@Suite("Study report: numbers")
struct StudyReportTests {
  private let runs = StudyReportExamples.effects()

  private func column(_ name: String, _ runs: [StudyRun]) -> [Double] {
    runs.map { run in run.measured?.values.first { $0.name == name }?.value ?? .nan }
  }

  @Test("settings, correlations, variance and choices are those of the statistics")
  func statistics() throws {
    let contents = try StudyReport(name: "study", runs: runs, seed: 1, resamples: 200).contents
    let set = try #require(contents.datasets.first)
    #expect(contents.units == "nats" && contents.datasets.count == 1 && contents.transfers.isEmpty)
    #expect(set.metrics == ["falling", "objective", "seed", "target"] && set.scores.contains("target:part"))
    #expect(set.objectives.map(\.objective) == ["a-vae", "b-vae", "c-vae"] && set.settings.count == 9)

    let cell = try #require(set.settings.first { $0.objective == "b-vae" && $0.strength == "beta 2" })
    let summary = try #require(cell.scores.first { $0.name == "falling" })
    let rows = runs.filter { $0.objective == "b-vae" && $0.strength == "beta 2" }
    let quantiles = try #require(Quantiles(of: column("falling", rows)))
    #expect(cell.runs == 6 && summary.median == quantiles.median && summary.mean == quantiles.mean)
    #expect(summary.standardError == quantiles.standardError && summary.lowerQuartile == quantiles.lowerQuartile)

    let exact = column("total_correlation", runs), falling = column("falling", runs)
    let correlation = try #require(
      set.totalCorrelation.first {
        $0.score == "falling" && $0.with == "total_correlation" && $0.objective == nil
      })
    #expect(correlation.coefficient == RankCorrelation.spearman(falling, exact).coefficient)
    #expect(correlation.count == 54 && (correlation.interval?.upper ?? 0) < 0)
    let within = set.totalCorrelation.filter { $0.objective != nil }
    #expect(within.count == 12 && within.allSatisfy { $0.count == 18 })

    let variance = try #require(set.variance.first { $0.score == "objective" })
    let expected = try #require(
      VarianceExplained.of(
        column("objective", runs), objectives: runs.map(\.objective), strengths: runs.map(\.strength)))
    #expect(variance.objective.value == expected.objective.adjusted && (variance.objective.value ?? 0) > 0.99)
    #expect(variance.seeds.value == expected.seeds.adjusted)
    // Equal scores have no variance to explain.
    #expect(!set.variance.contains { $0.score == "target:part" })

    let superiority = try #require(set.superiority.first { $0.score == "objective" })
    #expect(superiority.probabilities[2][0] == 1 && superiority.probabilities[0][2] == 0)
    #expect(superiority.intervals[2][1]?.lower == 1 && superiority.intervals[1][1] == nil)
  }

  @Test("a chooser that equals the target has all of the gain, and is not asked to choose by itself")
  func choices() throws {
    let contents = try StudyReport(name: "study", runs: runs, seed: 1, resamples: 100).contents
    let choice = try #require(contents.choices.first { $0.target == "target" && $0.chooser == "udr" })
    let scores = column("target", runs)
    #expect(choice.share == 1 && choice.chosen == scores.max() && choice.choosesLargest && choice.groups.isEmpty)
    // To rounding: the order of the sums differs.
    #expect(abs(choice.random - scores.reduce(0, +) / Double(scores.count)) < 1e-12)
    #expect(!contents.choices.contains { $0.target == $0.chooser })
    #expect(
      contents.choices.filter { $0.target == "seed" }.map(\.chooser) == [
        "udr", "elbo", "total_correlation", "rate", "distortion", "minibatch_total_correlation:mws",
      ])
  }

  @Test("the frontier is that of rate and distortion")
  func frontier() throws {
    let set = try StudyReport(name: "study", runs: runs, seed: 1, resamples: 0).contents.datasets[0]
    let frontier = Frontier(rates: column("rate", runs), distortions: column("distortion", runs))
    #expect(set.frontier.map(\.run) == frontier.indices.map { runs[$0].label })
  }

  @Test("several data sets are analysed by themselves, and settings are transferred between them")
  func datasets() throws {
    let runs = StudyReportExamples.effects(seeds: 4, datasets: ["dataset one", "dataset two"])
    let report = try StudyReport(name: "study", runs: runs, seed: 1, resamples: 50), contents = report.contents
    #expect(contents.datasets.map(\.name) == ["dataset one", "dataset two"])
    #expect(contents.datasets.allSatisfy { $0.runs == 36 })
    let transfer = try #require(contents.transfers.first { $0.score == "objective" })
    let expected = SettingTransfer(
      column("objective", runs), datasets: runs.map(\.dataset),
      settings: runs.map { "\($0.objective), \($0.strength)" })
    #expect(transfer.shares == expected.cells.map { $0.map { $0?.shareOfGain } })
    #expect(transfer.settings.allSatisfy { $0.allSatisfy { $0.hasPrefix("c-vae") } })
    #expect((transfer.mean ?? 0) > 0.9)
    let choice = try #require(contents.choices.first { $0.target == "target" && $0.chooser == "udr" })
    #expect(choice.share == 1 && choice.groups.map(\.dataset) == contents.datasets.map(\.name))
    #expect(report.figures.contains { $0.name == "scores-2" } && report.figures.contains { $0.name == "transfer" })
    #expect(contents.findings.contains { $0.contains("UDR on 0 of 2 data sets") || $0.contains("of 2 data sets") })
  }

  @Test("downstream tasks are correlated by their efficiencies")
  func downstream() throws {
    var runs = runs, stream = RandomStream(seed: 9)
    for index in runs.indices {
      let efficiency = stream.uniform()
      runs[index].measured?.values += [
        .init("downstream", 0.5 + stream.uniform()), .init("downstream:trees_100", 0.5),
        .init("downstream:trees_efficiency_100", efficiency), .init("hit", efficiency * 2),
      ]
    }
    let set = try StudyReport(name: "study", runs: runs, seed: 1, resamples: 20).contents.datasets[0]
    #expect(set.metrics.suffix(2) == ["downstream", "hit"])
    #expect(Set(set.downstream.map(\.with)) == ["downstream:trees_efficiency_100"])
    #expect(set.downstream.first { $0.score == "hit" }?.coefficient == 1)
    #expect(!set.downstream.contains { $0.score == "downstream" })
  }

  @Test("equal studies and seeds give equal contents, which JSON keeps")
  func roundTrip() throws {
    let first = try StudyReport(name: "study", runs: runs, seed: 4, resamples: 30)
    let second = try StudyReport(name: "study", runs: runs, seed: 4, resamples: 30)
    let other = try StudyReport(name: "study", runs: runs, seed: 5, resamples: 30)
    #expect(first.contents == second.contents && first.contents != other.contents)
    let data = try JSONEncoder().encode(first.contents), text = String(decoding: data, as: UTF8.self)
    #expect(try JSONDecoder().decode(StudyReport.Contents.self, from: data) == first.contents)
    for key in ["lower_quartile", "core_hours", "share_interval", "objective_and_strength", "\"units\":\"nats\""] {
      #expect(text.contains(key), "\(key)")
    }
  }
}
