import ArgumentParser
import Diagnostics
import Experiment
import FactorData
import FileFormats
import Foundation
import StrictConfiguration
import TensorCore

/// `disentangle dataset …`: lists, describes, renders and verifies data sets.
struct DatasetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dataset", abstract: "List, describe, render, convert and verify data sets.",
    subcommands: [List.self, Info.self, Render.self, Convert.self, Verify.self])

  struct List: ComponentCommand {
    static let configuration = CommandConfiguration(abstract: "List the data sets that a configuration can use.")

    func run(_ components: Components) throws { try ListDatasets().run(components) }
  }

  struct Info: ComponentCommand {
    static let configuration = CommandConfiguration(
      abstract: "Describe a data set that can be named, or a file of arrays and its images.",
      discussion: """
        disentangle dataset info dsprites
        disentangle dataset info images.h5 --images x --factors y

        Of a data set that must be downloaded, it says where it is published.
        """)

    @Argument(
      help: "The name of a data set, a file or folder of a published one, an HDF5 or NPZ file, or a folder of images.")
    var source: String
    @Option(help: "The array of images in the file; by default \"images\" or \"imgs\".") var images: String?
    @Option(help: "The array of factors in the file; by default \"factors\" or \"latents/classes\".") var factors:
      String?
    @OptionGroup var computing: ComputingOptions

    func run(_ components: Components) throws {
      let device = computing.device
      if let entry = components.datasets[source] {
        if let publication = entry.publication {
          try say("published  \(publication.address)")
          try say("licence    \(publication.licence)")
          try say("size       \(publication.size)")
          try say("obtain     \(publication.howToObtain)")
        }
        // One that is drawn can be described as it is.
        guard (try? settings(of: entry, components)) != nil || entry.publication == nil else { return }
        let document = try ConfigurationDocument(yaml: "name: \(entry.name)", source: "data set \(entry.name)")
        let choice = try document.decode { try DatasetChoice(from: &$0, registry: components.datasets) }
        return try show(try choice.value.open(on: device), device)
      }
      let isChosen = images != nil || factors != nil
      let published = components.datasets.entries.lazy.compactMap(\.publishedFile)
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: source, isDirectory: &isFolder), isFolder.boolValue {
        if !isChosen, let published = published.first(where: { $0.recognizes(source) }) {
          return try show(try published.open(source, device), device)
        }
        return try show(try ImageFolderSet(folder: source, factors: factors, on: device), device)
      }
      // A published set need not be a file of arrays.
      if !isChosen, (try? openArrayFile(source)) == nil,
        let published = published.first(where: { $0.recognizes(source) })
      {
        return try show(try published.open(source, device), device)
      }
      let file = try openArrayFile(source)
      let paths = try file.arrayPaths()
      for path in paths { try say("array      \(path.escapingControls()): \(try file.information(path).summary)") }
      if !isChosen, let published = published.first(where: { $0.recognizes(source) }) {
        try show(try published.open(source, device), device)
      } else if isChosen || paths.contains("images") || paths.contains("imgs") {
        try show(try ImageFile(path: source, images: images, factors: factors, on: device), device)
      }
    }

    private func settings(of entry: DatasetEntry, _ components: Components) throws {
      let document = try ConfigurationDocument(yaml: "name: \(entry.name)", source: "data set \(entry.name)")
      _ = try document.decode { try DatasetChoice(from: &$0, registry: components.datasets) }
    }

    private func show(_ data: any FactorDataset, _ device: Device) throws {
      try say("\(try DatasetSummary(of: ImagePlacement().place(data, on: device), on: device))")
    }
  }

  struct Render: ComponentCommand {
    static let configuration = CommandConfiguration(
      abstract: "Render a data set into a file of the published layout.")

    @Argument(help: "The name of the data set.") var name: String
    @Option(name: .shortAndLong, help: "The file to write.") var output: String
    @Flag(help: "Replace the file if it exists.") var force = false
    @OptionGroup var computing: ComputingOptions

    func run(_ components: Components) throws {
      let entry = try components.datasets.entry(named: name, at: "dataset render")
      guard let render = entry.publishedFile?.render else {
        throw DatasetCommand.cannot("rendered", entry, components.datasets) { $0.render != nil }
      }
      guard let format = ArrayFileWriter.Format(path: output) else {
        throw StructuredError(
          "the file name does not determine the format", at: output, expected: "a name that ends in .h5 or .npz")
      }
      try format.kind.requireWritable(output, force: force)
      let isTerminal = isatty(FileHandle.standardError.fileDescriptor) == 1
      func show(_ text: String) { try? StandardStream.error.write(text) }
      defer { if isTerminal { show("\r\u{1b}[K") } }
      let count = try render(output, force, computing.device) { part in
        if isTerminal { show("\rwriting \(output): \(Int(part * 100))%") }
      }
      if isTerminal { show("\r\u{1b}[K") }
      let size = (try? FileManager.default.attributesOfItem(atPath: output)[.size] as? Int) ?? 0
      try say("\(output): \(count) images, \(size >> 20) MiB")
    }
  }

  struct Verify: ComponentCommand {
    static let configuration = CommandConfiguration(
      abstract: "Verify a file in the published layout of a data set.",
      discussion: """
        Of dSprites, every image is compared with the rendered one. The exit code is 0 if the file is as published and 1 \
        if images differ or the file has another structure.
        """)

    @Argument(help: "A file in the published layout, or the folder of its files.") var file: String
    @Option(help: "The name of the data set (default: the first that can be verified).") var dataset: String?
    @OptionGroup var computing: ComputingOptions

    func run(_ components: Components) throws {
      let registry = components.datasets
      let entry = try dataset.map { try registry.entry(named: $0, at: "--dataset") }
      if let entry, entry.publishedFile == nil {
        throw DatasetCommand.cannot("verified", entry, components.datasets) { _ in true }
      }
      guard let published = try entry?.publishedFile ?? recognized(by: registry) else { return }
      let findings = try published.verify(file, computing.device)
      let width = 2 + (findings.map(\.label.count).max() ?? 0)
      for finding in findings {
        let space = String(repeating: " ", count: max(11, width) - finding.label.count)
        try say(finding.label + space + finding.text)
      }
      let others = findings.filter { !$0.isAsPublished }.map(\.label)
      guard others.isEmpty else {
        throw StructuredError("the file is not as published: \(others.joined(separator: ", "))", at: file)
      }
    }

    /// The layout that recognises the file, or else the first, whose error then says what is wrong.
    private func recognized(by registry: Registry<DatasetEntry>) throws -> PublishedFile? {
      let layouts = registry.entries.compactMap(\.publishedFile)
      if let layout = layouts.first(where: { $0.recognizes(file) }) { return layout }
      _ = try openArrayFile(file)
      return layouts.first
    }
  }

  /// The error that a data set has no published file, or cannot be rendered.
  private static func cannot(
    _ done: String, _ entry: DatasetEntry, _ registry: Registry<DatasetEntry>, others: (PublishedFile) -> Bool
  ) -> StructuredError {
    let able = registry.entries.filter { $0.publishedFile.map(others) ?? false }.map(\.name)
    return StructuredError(
      "the data set \"\(entry.name)\" cannot be \(done)", expected: able.joined(separator: " or "))
  }
}

/// Prints a line of results.
func say(_ line: String) throws { try StandardStream.output.writeLine(line) }
