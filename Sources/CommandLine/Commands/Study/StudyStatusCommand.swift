import ArgumentParser
import Diagnostics
import Experiment
import FileFormats
import Foundation
import Studies

struct StudyStatusCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show how far the runs of a study are.",
    discussion: """
      Running means that a process has claimed the run and gives signs of life; interrupted, that training was begun and \
      nobody works on it.
      """)

  @OptionGroup var study: StudyOptions

  @Flag(name: .customLong("all"), help: "List every run.")
  var listsAll = false

  func run(_ components: Components) throws {
    let plan = try study.plan(components)
    let folder = try StudyFolder(reading: study.folder(of: plan))
    let status = StudyStatus(of: plan, in: folder, patience: study.patience)
    var lines: [String] = []
    for (run, state) in status.states {
      let line: String? =
        switch state {
        case .failed(let error): "failed       \(run.digest)  \(run.label): \(error)"
        case .running(let host, let process): "running      \(run.digest)  \(run.label): \(host), process \(process)"
        case .interrupted: "interrupted  \(run.digest)  \(run.label)"
        case .finished: listsAll ? "finished     \(run.digest)  \(run.label)" : nil
        case .waiting: listsAll ? "waiting      \(run.digest)  \(run.label)" : nil
        }
      if let line { lines.append(line.escapingControls()) }
    }
    lines.append(status.summary)
    try StandardStream.output.writeLine(lines.joined(separator: "\n"))
  }
}
