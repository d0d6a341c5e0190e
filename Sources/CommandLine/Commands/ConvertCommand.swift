import ArgumentParser
import Diagnostics
import Experiment
import FactorData
import FileFormats
import Foundation
import StrictConfiguration
import TensorCore

extension DatasetCommand {
  struct Convert: ComponentCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write a data set into a file whose images can be read at random.",
      discussion: """
        disentangle dataset convert 3dshapes.h5 shapes.h5
        disentangle dataset convert norb norb.h5 --set camera=right --set resize.size=64 --set resize.filter=area

        The result is an HDF5 or NPZ file with images and factors, neither compressed nor in chunks, for \
        dataset: {name: file, path: …}. Sets that are larger than memory train from it; only a part of the images is in \
        memory while it is written.
        """)

    @Argument(help: "A file, the folder of a published data set, or the name of a data set.") var source: String
    @Argument(help: "The file to write, with a name that ends in .h5 or .npz.") var output: String
    @Option(help: "The name of the data set (default: the one that knows the file, or \"file\").") var dataset: String?
    @Option(
      name: .customLong("set"),
      help: ArgumentHelp(
        "Change a setting of the data set, as camera=right or resize.size=64; can be repeated.", valueName: "key=value")
    )
    var overrides: [String] = []
    @Flag(help: "Replace the file if it exists.") var force = false
    @OptionGroup var computing: ComputingOptions

    func run(_ components: Components) throws {
      guard let format = ArrayFileWriter.Format(path: output) else {
        throw StructuredError(
          "the name does not tell the format of the file", at: output, expected: "a name that ends in .h5 or .npz")
      }
      try format.kind.requireWritable(output, force: force)
      let choice = try choice(components), device = computing.device
      for file in choice.files where FileManager.default.isSame(file, output) {
        throw StructuredError(
          "this file is what would be converted", at: output, expected: "the name of another file")
      }
      let data = try choice.openForOnePass(on: device)
      let progress = computing.progress(of: data.count)
      try data.convert(to: output, overwrite: force, on: device, progress: progress)
      let size = (try? FileManager.default.attributesOfItem(atPath: output)[.size] as? Int) ?? 0
      try say("\(output): \(data.count) images of \(data.imageShape), \(size >> 20) MiB")
    }

    /// The data set as a configuration would name it.
    private func choice(_ components: Components) throws -> DatasetChoice {
      let registry = components.datasets
      if dataset == nil, registry[source] != nil { return try choice(named: source, path: nil, components) }
      if let dataset { return try choice(named: dataset, path: source, components) }
      let known = registry.entries.first { $0.publishedFile?.recognizes(source) ?? false }
      return try choice(named: known?.name ?? "file", path: source, components)
    }

    private func choice(named name: String, path: String?, _ components: Components) throws -> DatasetChoice {
      let overrides = try (path.map { ["path=\(try Self.quoted($0))"] } ?? []) + overrides
      let document = try ConfigurationDocument(
        yaml: "name: \(try Self.quoted(name))", source: "data set \(name)", overrides: overrides)
      return try document.decode { try DatasetChoice(from: &$0, registry: components.datasets) }.value
    }

    /// A text as YAML reads it back, whatever it holds.
    private static func quoted(_ text: String) throws -> String {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .withoutEscapingSlashes
      return String(decoding: try encoder.encode(text), as: UTF8.self)
    }
  }
}

extension FileManager {
  /// Whether two paths lead to one file that is there.
  fileprivate func isSame(_ first: String, _ second: String) -> Bool {
    func number(_ path: String) -> [Int]? {
      let found = try? attributesOfItem(atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
      guard let device = found?[.systemNumber] as? Int, let file = found?[.systemFileNumber] as? Int else { return nil }
      return [device, file]
    }
    return number(first).map { $0 == number(second) } ?? false
  }
}
