import Diagnostics
import Foundation

/// Folders of files that appear whole, in the place of an earlier one, or not at all.
///
/// A marker file, `.disentangle.json`, states what the folder is and which files the program wrote. Nothing else is ever
/// deleted or overwritten: files that others put into the folder stay in it, files of the program's that have been
/// changed since make the write an error, and so does a folder of another kind. Whatever happens, a kill included, the
/// name belongs to the earlier folder or to the new one; what a killed process leaves under a hidden name is removed
/// by the next write.
public enum AtomicFolder {
  /// Makes sure that ``write(to:as:files:replacing:_:)`` may begin, for programs that compute for long before they write.
  ///
  /// - Parameters:
  ///   - path: the folder.
  ///   - kind: what it is.
  ///   - replacing: whether an earlier folder of this kind may be replaced.
  /// - Throws: `StructuredError` if the path names no folder, its parent is missing or not writable, or something is
  ///   there that may not be replaced.
  public static func requireWritable(_ path: String, as kind: FolderKind, replacing: Bool = true) throws {
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
    // Under the lock: another process that replaces the folder meanwhile would leave us with its marker and other files.
    try FolderExchange.withLock(on: parent) {
      if let earlier = try earlier(at: path, as: kind, replacing: replacing) { _ = try earlier.replaceableMarker(kind) }
    }
  }

  /// What is at a path now; nil if nothing is.
  private static func earlier(at path: String, as kind: FolderKind, replacing: Bool) throws -> FolderContents? {
    let parts = PathParts(path), path = PathParts.join(parts.folder, parts.name)
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw StructuredError(
        "a file is in the way", at: path, expected: "the name of a new folder", action: "Choose another --output.")
    }
    guard replacing else {
      completeWriting(path, as: kind)
      throw StructuredError(
        "the folder already exists", at: path, expected: "the name of a new folder", action: "Choose another --output.")
    }
    return try FolderContents(listing: path)
  }

  /// Removes the marker from a folder that nothing may replace, where a process was killed just before it did that itself.
  package static func completeWriting(_ path: String, as kind: FolderKind) {
    guard let marker = FolderMarker(reading: path), marker.kind == kind.name, marker.complete else { return }
    unlink(PathParts.join(path, FolderMarker.name))
  }

  /// Writes a folder.
  ///
  /// - Parameters:
  ///   - path: the folder; a symbolic link to one is followed.
  ///   - kind: what it is.
  ///   - names: the files that `body` writes, as paths within the folder.
  ///   - replacing: whether an earlier folder of this kind is replaced. The marker is not kept in a folder that nothing
  ///     may replace.
  ///   - body: writes all files.
  /// - Returns: what `body` returns.
  /// - Throws: `StructuredError` as ``requireWritable(_:as:replacing:)``, if a file cannot be written, or if files
  ///   appeared in the earlier folder while it was being replaced, which are then kept under the name that the error
  ///   states; and what `body` throws. What was there is intact then.
  @discardableResult
  public static func write<Result>(
    to path: String, as kind: FolderKind, files names: some Sequence<String>, replacing: Bool = true,
    _ body: (_ folder: StagedFolder) throws -> Result
  ) throws -> Result {
    try requireWritable(path, as: kind, replacing: replacing)
    let folder = try StagedFolder(for: path, as: kind, files: names)
    let result: Result
    do {
      result = try body(folder)
      try folder.seal()
      try FolderExchange.withLock(on: PathParts(folder.target).folder) {
        FolderRemains.clear(beside: folder.target, except: folder.path)
        try place(folder, as: kind, replacing: replacing)
      }
    } catch {
      _ = try? FolderRemains.remove(folder.path, insteadOf: folder.target)
      throw folder.located(error)
    }
    if !replacing { completeWriting(folder.target, as: kind) }
    return result
  }

  /// Puts a sealed folder in its place; the caller holds the lock on the folder above.
  private static func place(_ folder: StagedFolder, as kind: FolderKind, replacing: Bool) throws {
    guard let earlier = try earlier(at: folder.target, as: kind, replacing: replacing) else {
      guard try folder.appear() else {
        throw StructuredError("another process has made the folder", at: folder.target)
      }
      return
    }
    let marker = try earlier.replaceableMarker(kind)
    // A folder of a version without markers: from now on it is known by one, under whatever name.
    if FolderMarker(reading: earlier.path) == nil { try marker.write(into: earlier.path) }
    try folder.keepForeignFiles(of: earlier, marker)
    let former = try folder.exchange()
    let left = try FolderRemains.remove(former, insteadOf: folder.target)
    guard left.isEmpty else {
      throw StructuredError(
        "files were added to the folder while it was being replaced: \(left.joined(separator: ", "))", at: former,
        action: "Move them back from there; the new folder is in its place.")
    }
  }

  /// Writes a folder of known contents.
  ///
  /// - Throws: `StructuredError` as ``write(to:as:files:replacing:_:)``.
  public static func write(
    _ files: [(name: String, data: Data)], to path: String, as kind: FolderKind, replacing: Bool = true
  ) throws {
    try write(to: path, as: kind, files: files.map(\.name), replacing: replacing) { folder in
      for (name, data) in files { try folder.write(data, as: name) }
    }
  }
}
