import Foundation
import Reports
import TestSupport
import Testing

/// Changed files of a report.
@Suite struct ReportFileFuzzingTests: CodesSuite {
  let experiment: SmallExperiment

  init() throws { experiment = try Self.copy() }

  @Test("Changed report.json are read or refused") func reports() throws {
    let fuzzing = Fuzzing(few: 500, share: 0.04)
    let fuzzed = [try experiment.data("run/report/report.json")].map { FileMutator([UInt8]($0)) }
    let outcome = try fuzzing.run("report", fuzzed) {
      let contents = try ReportContents(reading: $0)
      // What was read can be written again, and shown.
      _ = try contents.json()
    }
    #expect(outcome.others.isEmpty, "\(outcome.others.prefix(5))")
    #expect(outcome.values > 0 && outcome.refused > 0 && outcome.values + outcome.refused == fuzzing.count)
  }
}
