import Diagnostics
import FileFormats
import Foundation
import Pages
import Studies

extension StudyReport {
  /// The files of a notebook: NAME.ipynb, the table NAME.csv and the report NAME.json.
  private static func notebookFiles(_ path: String) throws -> (table: String, report: String) {
    let stem = try NotebookTemplate.stem(of: path)
    return ("\(stem).csv", "\(stem).json")
  }

  /// Makes sure that ``writeNotebook(of:to:overwrite:)`` may begin.
  ///
  /// - Throws: `StructuredError` as there, as far as it can be known beforehand.
  public static func requireWritableNotebook(_ path: String, overwrite: Bool) throws {
    let files = try notebookFiles(path)
    try FileKind.json.requireWritable(path, force: overwrite)
    try FileKind.text.requireWritable(files.table, force: overwrite)
    try FileKind.json.requireWritable(files.report, force: overwrite)
  }

  /// Writes a Jupyter notebook that draws the figures of the study anew with numpy, matplotlib and pandas, and its data
  /// beside it: NAME.csv, a line for each score of each run (`StudyTable.csv`), and NAME.json, the report in numbers.
  ///
  /// - Parameters:
  ///   - table: the runs that the report was made from.
  ///   - path: the notebook, NAME.ipynb.
  ///   - overwrite: whether existing files are replaced, which may have been edited.
  /// - Throws: `StructuredError` if the name is none of a notebook, or a file is in the way or cannot be written.
  public func writeNotebook(of table: StudyTable, to path: String, overwrite: Bool) throws {
    try Self.requireWritableNotebook(path, overwrite: overwrite)
    let files = try Self.notebookFiles(path)
    let names = (table: PathParts(files.table).name, report: PathParts(files.report).name)
    let program = PageTemplate(PackageResources.study_notebook_py).filled([
      "title": contents.title.escapedForMarkdown(), "table_name": names.table, "report_name": names.report,
      // A JSON string is a Python string too.
      "table": try PageTemplate.json(names.table), "report": try PageTemplate.json(names.report),
    ])
    let notebook = try NotebookTemplate(program).notebook(figures: [])
    try AtomicFile.write(Data((table.csv() + "\n").utf8), to: files.table, overwrite: overwrite)
    try AtomicFile.write(try ReportJSON.encode(contents), to: files.report, overwrite: overwrite)
    try AtomicFile.write(notebook, to: path, overwrite: overwrite)
  }
}
