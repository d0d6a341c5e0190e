import Architectures
import ArgumentParser
import Diagnostics
import DisentanglementMetrics
import Experiment
import FactorData
import Foundation
import Objectives

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the objectives, architectures, data sets and metrics.",
    subcommands: [ListObjectives.self, ListArchitectures.self, ListDatasets.self, ListMetrics.self])
}

/// An entry of a list: its name, its summary, and what else is known by the names that JSON and CSV have for it.
private typealias ListEntry = (name: String, summary: String, further: KeyValuePairs<String, String>)

extension FormatOptions {
  /// Prints a list.
  fileprivate func show(_ entries: [ListEntry]) throws {
    let width = (entries.map(\.name.count).max() ?? 0) + 2
    let text = try text { style in
      entries.map { entry in
        let further = entry.further.map(\.value).filter { !$0.isEmpty }
        if style == .markdown {
          let lines = ["**\(entry.name.escapedForMarkdown())**: " + entry.summary.escapedForMarkdown()]
          return "- " + (lines + further.map { $0.escapedForMarkdown() }).joined(separator: "  \n  ")
        }
        let space = String(repeating: " ", count: width)
        let lines = [entry.name + space.dropFirst(entry.name.count) + entry.summary] + further.map { space + $0 }
        return lines.joined(separator: "\n")
      }.joined(separator: "\n")
    } json: {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      let objects = entries.map { entry in
        Dictionary([("name", entry.name), ("summary", entry.summary)] + entry.further.map { ($0, $1) }) { $1 }
      }
      return String(decoding: try encoder.encode(objects), as: UTF8.self)
    } csv: {
      let header = ["name", "summary"] + (entries.first?.further.map(\.key) ?? [])
      let rows = entries.map { [$0.name, $0.summary] + $0.further.map(\.value) }
      return ([header] + rows).map { $0.map { $0.csvCell() }.joined(separator: ",") }.joined(separator: "\n")
    }
    try StandardStream.output.writeLine(text)
  }
}

struct ListObjectives: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "objectives", abstract: "List the objectives, with equation and paper.")
  @OptionGroup var format: FormatOptions

  func run(_ components: Components) throws {
    try format.show(
      components.objectives.entries.map { ($0.name, $0.summary, ["equation": $0.equation, "paper": $0.paper]) })
  }
}

struct ListArchitectures: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "architectures", abstract: "List the architectures, with paper.")
  @OptionGroup var format: FormatOptions

  func run(_ components: Components) throws {
    try format.show(components.architectures.entries.map { ($0.name, $0.summary, ["paper": $0.paper]) })
  }
}

struct ListDatasets: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "datasets", abstract: "List the data sets, with paper and where they are published.")
  @OptionGroup var format: FormatOptions

  func run(_ components: Components) throws {
    try format.show(
      components.datasets.entries.map { entry in
        let publication = entry.publication.map { "\($0.address), licence: \($0.licence); \($0.size)" }
        return (entry.name, entry.summary, ["paper": entry.paper ?? "", "published": publication ?? ""])
      })
  }
}

struct ListMetrics: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics", abstract: "List the disentanglement metrics, with paper.")
  @OptionGroup var format: FormatOptions

  func run(_ components: Components) throws {
    try format.show(
      components.metrics.entries.map { entry in
        (entry.name, entry.summary + (entry.isDefault ? "" : " (optional)"), ["paper": entry.paper])
      })
  }
}
