import ArgumentParser
import Diagnostics
import Experiment
import FileFormats
import Foundation
import Reports
import StrictConfiguration
import Studies

struct StudyPlanCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "List the runs of a study, with the time and the disk that they take.",
    discussion: """
      The time is that of training alone, from a few steps of each variant here. The disk is that of what is kept of \
      finished runs (keep: weights, posteriors or nothing).
      """)

  @OptionGroup var study: StudyOptions

  @Flag(help: "Do not train a few steps of each variant to estimate the time and the disk.")
  var quick = false

  @Flag(name: .customLong("all"), help: "List every run.")
  var listsAll = false

  func run(_ components: Components) throws {
    let plan = try study.plan(components)
    // Metrics that are not understood are an error now.
    _ = try StudyWorker.measuring(plan.study.measure, components: components)
    var table = TextTable(header: ["variant", "strengths", "settings", "seeds", "runs"], rows: [], numeric: [3, 4])
    for variant in plan.study.variants {
      let runs = plan.runs.filter { $0.variant == variant.name }
      func count(_ value: (PlannedRun) -> String) -> String { "\(Set(runs.map(value)).count)" }
      table.rows.append([
        .init(variant.name), .init(count(\.strengthLabel)), .init(count(\.commonLabel)), .init(count { "\($0.seed)" }),
        .init(Format.grouped(runs.count)),
      ])
    }
    announce(table.text(.terminal))
    let excluded = plan.excluded == 0 ? "" : ", \(Format.grouped(plan.excluded)) left out"
    let budget = plan.study.coreHours.map { ", at most about \(Format.value($0)) core hours" } ?? ""
    announce("\n\(Format.grouped(plan.runs.count)) runs\(excluded), \(plan.threadsEach)\(budget)")
    if listsAll { announce(plan.runs.map { "\($0.digest)  \($0.label)" }.joined(separator: "\n")) }
    guard !quick else { return }
    let estimate = try StudyEstimate(of: plan, components: components)
    announce(estimate.text)
  }
}
