import ArgumentParser
import Diagnostics
import FileFormats
import Foundation
import Studies

extension StudyPreset: ExpressibleByArgument {}

struct StudyPresetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "preset", abstract: "Write the study of a paper as a file to begin with.",
    discussion: "dlib: the 12,600 runs of Locatello et al. 2019 (arXiv:1811.12359).")

  @Argument(help: "The study.")
  var preset: StudyPreset

  @Option(name: .shortAndLong, help: "The file to write (default: standard output).")
  var output: String?

  @Flag(help: "Replace the file if it exists.")
  var force = false

  func run() throws {
    guard let output else { return try StandardStream.output.write(preset.yaml) }
    try FileKind.text.requireWritable(output, force: force)
    try AtomicFile.write(Data(preset.yaml.utf8), to: output, overwrite: force)
  }
}
