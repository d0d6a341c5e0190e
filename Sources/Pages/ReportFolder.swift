import Figures
import FileFormats
import Foundation

extension Figure {
  /// The files of a figure in a report's folder: SVG, PDF and PNG.
  package static func fileNames(_ name: String) -> [String] { ["svg", "pdf", "png"].map { "figures/\(name).\($0)" } }
}

/// A folder with a page, the page as Markdown, its numbers as JSON, and its figures.
package struct ReportFolder {
  /// The name of the page.
  package static let page = "index.html"

  /// What the folder is.
  let kind: FolderKind
  /// The name of the JSON and Markdown files, without extension.
  let name: String

  package init(kind: FolderKind, name: String) { (self.kind, self.name) = (kind, name) }

  /// Writes the folder; an earlier one of the same kind is replaced when all is written.
  ///
  /// - Parameters:
  ///   - path: the folder.
  ///   - json: the numbers.
  ///   - document: the page.
  ///   - figures: its figures.
  ///   - animations: its animations by their names, in the folder `figures`.
  ///   - further: files that are written by themselves: their names, and what writes each to a path.
  /// - Throws: `StructuredError` as ``AtomicFolder/write(to:as:files:replacing:_:)``, or if a figure cannot be drawn.
  package func write(
    to path: String, json: Data, _ document: Document, _ figures: [Figure], animations: [String: Data] = [:],
    further: [(name: String, write: (_ path: String) throws -> Void)] = []
  ) throws {
    let names =
      [Self.page, "\(name).json", "\(name).md"] + figures.flatMap { Figure.fileNames($0.name) }
      + animations.keys.sorted().map { "figures/\($0)" } + further.map(\.name)
    try AtomicFolder.write(to: path, as: kind, files: names) { folder in
      try folder.write(json, as: "\(name).json")
      try folder.write(Data(document.markdown(figures).utf8), as: "\(name).md")
      try folder.write(Data(try document.html(figures, animations: animations).utf8), as: Self.page)
      for figure in figures {
        let files = Figure.fileNames(figure.name)
        let contents = [Data(try figure.svg().utf8), try figure.pdf(), try figure.png()]
        for (file, data) in zip(files, contents) { try folder.write(data, as: file) }
      }
      for (name, data) in animations { try folder.write(data, as: "figures/\(name)") }
      for (name, write) in further { try write(folder.path(of: name)) }
    }
  }
}
