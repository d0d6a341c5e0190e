import Architectures
import ArgumentParser
import Diagnostics
import DisentanglementMetrics
import Experiment
import FactorData
import Objectives

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the objectives, architectures, data sets and metrics.",
    subcommands: [ListObjectives.self, ListArchitectures.self, ListDatasets.self, ListMetrics.self])
}

private func show(_ entries: [(name: String, summary: String, further: [String])]) throws {
  let width = (entries.map(\.name.count).max() ?? 0) + 2
  for entry in entries {
    try StandardStream.output.writeLine(entry.name.padding(to: width) + entry.summary)
    for line in entry.further {
      try StandardStream.output.writeLine(String(repeating: " ", count: width) + line)
    }
  }
}

extension String {
  fileprivate func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

struct ListObjectives: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "objectives", abstract: "List the objectives, with equation and paper.")
  func run(_ components: Components) throws {
    try show(components.objectives.entries.map { ($0.name, $0.summary, [$0.equation, $0.paper]) })
  }
}

struct ListArchitectures: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "architectures", abstract: "List the architectures, with paper.")
  func run(_ components: Components) throws {
    try show(components.architectures.entries.map { ($0.name, $0.summary, [$0.paper]) })
  }
}

struct ListDatasets: ComponentCommand {
  static let configuration = CommandConfiguration(commandName: "datasets", abstract: "List the data sets, with paper.")
  func run(_ components: Components) throws {
    try show(components.datasets.entries.map { ($0.name, $0.summary, [$0.paper].compactMap { $0 }) })
  }
}

struct ListMetrics: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics", abstract: "List the disentanglement metrics, with paper.")
  func run(_ components: Components) throws {
    try show(
      components.metrics.entries.map { entry in
        (entry.name, entry.summary + (entry.isDefault ? "" : " (optional)"), [entry.paper])
      })
  }
}
