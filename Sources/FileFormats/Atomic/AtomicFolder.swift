import Diagnostics
import Foundation

/// Folders of files that appear whole, in the place of an earlier one, or not at all.
public enum AtomicFolder {
  /// Makes sure that ``write(_:to:further:)`` may begin, for programs that compute for long before they write.
  ///
  /// - Throws: `StructuredError` if the path names no folder, or its parent is missing or not writable.
  public static func requireWritable(_ path: String) throws {
    let parts = PathParts(path)
    let parent = parts.folder.isEmpty ? "." : parts.folder
    guard ![".", "..", "/", ""].contains(parts.name) else {
      throw StructuredError("no folder can be made here", at: path, expected: "the name of a new folder")
    }
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: parent, isDirectory: &isDirectory) else {
      throw StructuredError(
        "the folder \(parent) does not exist", at: path, action: "Make it first: mkdir -p '\(parent)'")
    }
    guard isDirectory.boolValue else { throw StructuredError("\(parent) is a file", at: path, expected: "a folder") }
    guard access(parent, W_OK) == 0 else {
      throw StructuredError(
        "cannot write into the folder \(parent): \(String(cString: strerror(errno)))", at: path,
        action: "Choose another --output.")
    }
  }

  /// Writes a folder.
  ///
  /// - Parameters:
  ///   - files: contents by their paths in the folder.
  ///   - path: the folder; what is there is replaced when all is written, so the caller makes sure that it may be.
  ///   - further: writes more files into the folder at the given path, which is not the last one.
  /// - Throws: `StructuredError` as ``requireWritable(_:)``, or if a file cannot be written; what was there is intact
  ///   then.
  public static func write(
    _ files: [(name: String, data: Data)], to path: String, further: (_ folder: String) throws -> Void = { _ in }
  ) throws {
    try requireWritable(path)
    let parts = PathParts(path), manager = FileManager.default
    let staging = PathParts.join(parts.folder, ".\(parts.name).writing")
    let former = PathParts.join(parts.folder, ".\(parts.name).former")
    // What a killed program left behind.
    for leftover in [staging, former] { try? manager.removeItem(atPath: leftover) }
    defer { try? manager.removeItem(atPath: staging) }
    for folder in Set(files.map { PathParts(PathParts.join(staging, $0.name)).folder }).sorted() {
      do { try manager.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
        throw StructuredError("cannot make the folder", at: path, action: "Choose another --output.")
      }
    }
    for (name, data) in files { try AtomicFile.write(data, to: PathParts.join(staging, name)) }
    try further(staging)
    let replaces = manager.fileExists(atPath: path)
    if replaces, rename(path, former) != 0 { throw failure(path) }
    guard rename(staging, path) == 0 else {
      let error = failure(path)
      if replaces { rename(former, path) }
      throw error
    }
    try? manager.removeItem(atPath: former)
  }

  private static func failure(_ path: String) -> StructuredError {
    StructuredError("cannot put the folder in its place: \(String(cString: strerror(errno)))", at: path)
  }
}
