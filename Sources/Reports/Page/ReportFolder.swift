import Diagnostics
import Figures
import FileFormats
import Foundation

/// A folder of results that appears whole, in the place of an earlier one, or not at all.
package enum ReportFolder {
  /// What every such folder has, and by which one is known.
  package static let page = "index.html"

  /// Makes sure that a folder can be written, for programs that compute for long before they write.
  ///
  /// - Throws: `StructuredError` if something is there that is no report, or its parent is missing or not writable.
  package static func requireWritable(_ path: String) throws {
    try AtomicFolder.requireWritable(path)
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else { return }
    guard isDirectory.boolValue, FileManager.default.fileExists(atPath: PathParts.join(path, page)) else {
      throw StructuredError(
        isDirectory.boolValue ? "this folder is no report: it has no \(page)" : "a file is in the way", at: path,
        expected: "the name of a new folder, or an earlier report", action: "Choose another --output.")
    }
  }

  /// Writes a folder.
  ///
  /// - Parameters:
  ///   - path: the folder; an earlier report there is replaced when all is written.
  ///   - files: contents by their paths in the folder.
  ///   - further: writes more files into the folder at the given path, which is not the last one.
  /// - Throws: `StructuredError` as ``requireWritable(_:)``, or if a file cannot be written; the earlier report is
  ///   intact then.
  package static func write(
    _ files: [(name: String, data: Data)], to path: String, further: (_ folder: String) throws -> Void = { _ in }
  ) throws {
    try requireWritable(path)
    try AtomicFolder.write(files, to: path, further: further)
  }

  /// The files of figures in every form, in the folder `figures`.
  ///
  /// - Throws: `StructuredError` if one cannot be drawn.
  static func files(of figures: [Figure]) throws -> [(name: String, data: Data)] {
    try figures.flatMap { figure in
      [
        (name: "figures/\(figure.name).svg", data: Data(try figure.svg().utf8)),
        (name: "figures/\(figure.name).pdf", data: try figure.pdf()),
        (name: "figures/\(figure.name).png", data: try figure.png()),
      ]
    }
  }
}
