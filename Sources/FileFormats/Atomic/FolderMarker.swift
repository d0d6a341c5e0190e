import Diagnostics
import Foundation

/// The file `.disentangle.json` in a folder of results: what the folder is, and which files the program wrote into it.
///
/// ```json
/// {"complete": true, "files": {"index.html": {"bytes": 1024, "crc32": "0badc0de"}}, "kind": "report", "version": 1}
/// ```
///
/// A file that is not listed, or whose size or checksum differs, was not written by the program, or changed since.
struct FolderMarker: Codable, Equatable {
  /// The name of the file.
  static let name = ".disentangle.json"

  /// A file as it was written; both nil while the folder is being written.
  struct File: Codable, Equatable {
    /// Its size.
    var bytes: Int?
    /// The CRC-32 of its contents, eight hexadecimal digits.
    var crc32: String?
  }

  /// The version of the marker's format.
  var version = 1
  /// The name of the folder's ``FolderKind``.
  var kind: String
  /// Whether all files are written and described; false in a folder that a killed process left behind.
  var complete: Bool
  /// The program's files by their paths in the folder.
  var files: [String: File]

  /// Describes a folder that is about to be written.
  init(kind: String, files names: some Sequence<String>) {
    (self.kind, complete) = (kind, false)
    files = Dictionary(names.map { ($0, File()) }) { first, _ in first }
  }

  /// Reads the marker of a folder; nil if there is none, or it cannot be understood.
  init?(reading folder: String) {
    let path = PathParts.join(folder, Self.name)
    guard let data = FileManager.default.contents(atPath: path),
      let marker = try? JSONDecoder().decode(Self.self, from: data), marker.version == 1
    else { return nil }
    self = marker
  }

  /// Writes the marker into its folder, whole.
  ///
  /// - Throws: `StructuredError` if it cannot be written.
  func write(into folder: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try AtomicFile.write(try encoder.encode(self) + Data("\n".utf8), to: PathParts.join(folder, Self.name))
  }

  /// Whether a listed file still has the contents that the program wrote.
  func hasWritten(_ name: String, in folder: String) -> Bool {
    guard let file = files[name] else { return false }
    return file == File(describing: PathParts.join(folder, name))
  }
}

extension FolderMarker.File {
  /// Describes contents.
  init(describing data: Data) { self.init(bytes: data.count, crc32: Checksum.crc32Text(data)) }

  /// Describes a regular file; nil if it is none, or cannot be read.
  init?(describing path: String) {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      let data = try? Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
    else { return nil }
    self.init(describing: data)
  }
}
