import FileFormats
import Foundation
import RateDecomposition

extension Report {
  /// Where the report of a run goes unless told otherwise.
  public static func defaultPath(run: String) -> String { PathParts.join(run, "report") }

  /// Makes sure that ``write(to:)`` may begin.
  ///
  /// - Throws: `StructuredError` if something else is there, or the folder above it is missing or not writable.
  public static func requireWritable(_ path: String) throws { try ReportFolder.requireWritable(path) }

  /// What a terminal shows: the terms of the rate, and the findings in words.
  public var summary: String {
    let table = DecompositionTable(contents.decomposition).summary.text(.terminal)
    return ([contents.title, "", table, ""] + contents.findings.sentences.map { "- " + $0 }).joined(separator: "\n")
  }

  /// Writes the folder: `index.html`, `report.md`, `report.json`, `explorer.html`, and `figures/` with each figure as SVG,
  /// PDF and PNG and the moving picture. An earlier report is replaced when all is written.
  ///
  /// - Throws: `StructuredError` if a file cannot be written; an earlier report is intact then.
  public func write(to path: String) throws {
    let gif = "traversals.gif", animation = try animation.data()
    let document = contents.document(explorer: true)
    let files: [(name: String, data: Data)] = [
      ("report.json", try contents.json()), ("report.md", Data(document.markdown(figures).utf8)),
      (ReportFolder.page, Data(try document.html(figures, animations: [gif: animation]).utf8)),
      ("figures/\(gif)", animation),
    ]
    try ReportFolder.write(files + ReportFolder.files(of: figures), to: path) { folder in
      try LatentExplorer.write(
        encoded.model, on: encoded.dataset, posterior: encoded.posterior, title: contents.title,
        to: PathParts.join(folder, "explorer.html"))
    }
  }
}
