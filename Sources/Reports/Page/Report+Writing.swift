import Diagnostics
import Experiment
import FileFormats
import Foundation
import Pages
import RateDecomposition

extension Report {
  /// Makes sure that ``write(to:)`` may begin.
  ///
  /// - Parameters:
  ///   - path: the folder.
  ///   - run: whose report it is to be. Its own report is replaced, and so is whatever report is in its folder.
  ///   - force: whether a report of another run is replaced.
  /// - Throws: `StructuredError` if something else is there, or the folder above it is missing or not writable.
  public static func requireWritable(_ path: String, of run: TrainedRun, force: Bool) throws {
    try requireWritable(path)
    let file = PathParts.join(path, "report.json")
    guard !force, path != run.folder.reportFolder, FileManager.default.fileExists(atPath: file) else { return }
    let differences = (try? ReportContents(reading: file)).flatMap { earlier in
      try? ExperimentConfiguration.differences(from: earlier.run.configuration, to: run.configuration, run.components)
    }
    guard let differences, differences.isEmpty else {
      throw StructuredError(
        "the folder holds a report of another run", at: path, action: "Choose another --output or pass --force.")
    }
  }

  /// Makes sure that ``write(to:)`` may begin in the folder of a run.
  ///
  /// - Throws: `StructuredError` if something else is there, or the folder above it is missing or not writable.
  public static func requireWritable(_ path: String) throws { try AtomicFolder.requireWritable(path, as: .report) }

  /// What a terminal shows: the terms of the rate, and the findings in words.
  public var summary: String {
    let table = DecompositionTable(contents.decomposition).summary.text(.terminal)
    return ([contents.title, "", table, ""] + contents.findings.sentences.map { "- " + $0 }).joined(separator: "\n")
  }

  /// The whole decomposition for a terminal, with its checks and latents.
  public var decompositionText: String {
    contents.title + "\n\n" + DecompositionTable(contents.decomposition).text(.terminal)
  }

  /// Writes the folder: `index.html`, `report.md`, `report.json`, and `figures/` with each figure as SVG, PDF and PNG; in
  /// the full form `explorer.html` and an animation of the traversals, too.
  ///
  /// An earlier report is replaced when all is written; see `AtomicFolder` for what is never replaced.
  ///
  /// - Throws: `StructuredError` if a file cannot be written; an earlier report is intact then.
  public func write(to path: String) throws {
    let animations = try animation.map { ["traversals.gif": try $0.data()] } ?? [:]
    let explorer = (
      name: "explorer.html",
      write: { (path: String) in
        try LatentExplorer.write(
          encoded.model, on: encoded.dataset, posterior: encoded.posterior, title: contents.title, to: path)
      }
    )
    try ReportFolder(kind: .report, name: "report").write(
      to: path, json: contents.json(), contents.document(), figures, animations: animations,
      further: contents.isFull ? [explorer] : [])
  }
}
