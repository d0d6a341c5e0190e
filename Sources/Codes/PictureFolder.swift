import Diagnostics
import FileFormats
import Foundation

/// A new folder of files that appears whole or not at all.
enum PictureFolder {
  /// Makes sure that a folder can be made.
  ///
  /// - Throws: `StructuredError` if something is in the way, or its parent is missing or not writable.
  static func requireNew(_ path: String) throws {
    let parts = PathParts(path)
    guard ![".", "..", "/", ""].contains(parts.name) else {
      throw StructuredError("no folder can be made here", at: path, expected: "the name of a new folder")
    }
    guard !FileManager.default.fileExists(atPath: PathParts.join(parts.folder, parts.name)) else {
      throw StructuredError("something is there already", at: path, action: "Choose the name of a new folder.")
    }
    let parent = parts.folder.isEmpty ? "." : parts.folder
    guard FileManager.default.fileExists(atPath: parent) else {
      throw StructuredError(
        "the folder \(parent) does not exist", at: path, action: "Make it first: mkdir -p '\(parent)'")
    }
    guard access(parent, W_OK) == 0 else { throw failure("cannot write into the folder \(parent)", path) }
  }

  /// Writes a folder.
  ///
  /// - Parameters:
  ///   - path: the folder, which must not exist.
  ///   - body: adds files by name and content.
  /// - Throws: `StructuredError` as ``requireNew(_:)``, or if a file cannot be written; and what `body` throws.
  static func write(
    _ path: String, _ body: (_ add: @escaping (_ name: String, _ data: Data) throws -> Void) throws -> Void
  ) throws {
    try requireNew(path)
    let parts = PathParts(path), manager = FileManager.default
    let staging = PathParts.join(parts.folder, ".\(parts.name).writing")
    // What a killed program left behind.
    try? manager.removeItem(atPath: staging)
    defer { try? manager.removeItem(atPath: staging) }
    guard mkdir(staging, 0o777) == 0 else { throw failure("cannot make the folder", path) }
    try body { name, data in try AtomicFile.write(data, to: PathParts.join(staging, name)) }
    guard rename(staging, PathParts.join(parts.folder, parts.name)) == 0 else {
      throw failure("cannot put the folder in its place", path)
    }
  }

  private static func failure(_ what: String, _ path: String) -> StructuredError {
    StructuredError("\(what): \(String(cString: strerror(errno)))", at: path)
  }
}
