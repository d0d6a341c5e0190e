import ArgumentParser
import Experiment
import FactorData
import FileFormats
import Foundation

/// `disentangle dataset …`: lists, describes, renders and verifies data sets.
struct DatasetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dataset", abstract: "List, describe, render and verify data sets.",
    subcommands: [List.self, Info.self, Render.self, Verify.self])

  struct List: ComponentCommand {
    static let configuration = CommandConfiguration(abstract: "List the data sets that a configuration can use.")

    func run(_ components: Components) throws { try ListDatasets().run(components) }
  }

  struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Describe the arrays and images of a file, or the rendered dSprites.")

    @Argument(help: "An HDF5 or NPZ file, or \"dsprites\".") var source: String
    @Option(help: "The array of images (default: images or imgs).") var images: String?
    @Option(help: "The array of factors (default: factors or latents/classes).") var factors: String?
    @OptionGroup var threadOptions: DeviceOptions

    func run() throws {
      let device = threadOptions.device
      if source == "dsprites" {
        return try say("\(DatasetSummary(of: try DSprites(renderedOn: device), on: device))")
      }
      let file = try openArrayFile(source)
      let paths = try file.arrayPaths()
      for path in paths { try say("array      \(path): \(try Self.describe(file.information(path)))") }
      if images == nil, factors == nil, DSprites.isInPublishedLayout(file) {
        try say("\(DatasetSummary(of: try DSprites(file: source, on: device), on: device))")
      } else if images != nil || factors != nil || paths.contains("images") || paths.contains("imgs") {
        let data = try ImageFile(path: source, images: images, factors: factors, on: device)
        try say("\(DatasetSummary(of: data, on: device))")
      }
    }

    static func describe(_ about: ArrayInformation) -> String {
      let extents = about.shape.map(String.init).joined(separator: ", ")
      var text = "\(about.type) [\(extents)]"
      if let chunks = about.chunkShape { text += ", chunks (\(chunks.map(String.init).joined(separator: ", ")))" }
      if !about.filters.isEmpty { text += ", " + about.filters.joined(separator: " and ") }
      return text + (about.type.isNumeric ? "" : ", not numeric: skipped")
    }
  }

  struct Render: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Render a data set and write it to an HDF5 file in the published layout.")

    @Argument(help: "The data set: \"dsprites\".") var name: String
    @Option(name: .shortAndLong, help: "The file to write.") var output: String
    @Flag(help: "Replace the file if it exists.") var force = false
    @OptionGroup var threadOptions: DeviceOptions

    func validate() throws {
      guard name == "dsprites" else { throw ValidationError("Only \"dsprites\" can be rendered, not \"\(name)\".") }
    }

    func run() throws {
      try AtomicFile.requireWritable(output, overwrite: force)
      let device = threadOptions.device
      let data = try DSprites(renderedOn: device)
      let isTerminal = isatty(FileHandle.standardError.fileDescriptor) == 1
      func show(_ text: String) { try? StandardStream.error.write(text) }
      defer { if isTerminal { show("\r\u{1b}[K") } }
      try data.write(to: output, overwrite: force, on: device) { part in
        if isTerminal { show("\rwriting \(output): \(Int(part * 100))%") }
      }
      if isTerminal { show("\r\u{1b}[K") }
      let size = (try? FileManager.default.attributesOfItem(atPath: output)[.size] as? Int) ?? 0
      try say("\(output): \(data.count) images, \(size >> 20) MiB")
    }
  }

  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Verify a dSprites file and compare every image with the rendered one.",
      discussion: "Images that differ are counted and listed; a file with another structure is an error.")

    @Argument(help: "A file in the published layout, HDF5 or NPZ.") var file: String
    @OptionGroup var threadOptions: DeviceOptions

    func run() throws {
      let device = threadOptions.device
      let data = try DSprites(file: file, on: device)
      let arrays = try openArrayFile(file)
      try DSprites.checkValues(of: arrays)
      let comparison = try DSpritesComparison(data, on: device)
      let lit = comparison.litPixels
      try say("images     imgs: \(Info.describe(try arrays.information("imgs")))")
      try say("pixels     all 0 or 1; lit in squares \(lit[0]), ellipses \(lit[1]), hearts \(lit[2])")
      try say("factors    classes and values as published")
      if comparison.differingImages.isEmpty {
        try say("renderer   all \(data.count) images equal the rendered ones")
      } else {
        let some = comparison.differingImages.prefix(10).map(String.init).joined(separator: ", ")
        try say(
          "renderer   \(comparison.differingImages.count) of \(data.count) images differ from the rendered ones, in "
            + "\(comparison.differingPixels) pixels: \(some)\(comparison.differingImages.count > 10 ? ", …" : "")")
      }
    }
  }
}

/// Prints a line of results.
private func say(_ line: String) throws { try StandardStream.output.writeLine(line) }
