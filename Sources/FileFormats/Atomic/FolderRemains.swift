import Diagnostics
import Foundation

/// Folders under hidden names: what was replaced, and what killed processes left behind.
enum FolderRemains {
  /// What is added to a hidden name where the file system cannot exchange two names.
  static let formerSuffix = ".former"

  /// Removes a hidden folder as far as it is the program's: files that its marker lists, unchanged where the marker is
  /// complete, and second names of files that are in the folder in its place. Whatever else is there stays.
  ///
  /// - Parameters:
  ///   - path: the hidden folder.
  ///   - target: the folder in whose place it was, or was to be.
  /// - Returns: what stays, as paths within the folder.
  /// - Throws: `StructuredError` if the folder cannot be read, or the system refuses to remove what is the program's.
  @discardableResult
  static func remove(_ path: String, insteadOf target: String) throws -> [String] {
    guard let marker = FolderMarker(reading: path) else {
      // A process killed before the marker was in its place, or after it was removed, leaves an empty folder, or one
      // with a marker in the making.
      let temporary = ".\(FolderMarker.name)\(AtomicFile.temporarySuffix)", contents = try FolderContents(listing: path)
      if contents.files == [temporary] { unlink(PathParts.join(path, temporary)) }
      for folder in contents.folders.reversed() + [""] { rmdir(PathParts.join(path, folder)) }
      return []
    }
    let contents = try FolderContents(listing: path)
    var staying: [String] = []
    for name in contents.files where !isRemovable(name, of: path, marker, insteadOf: target) { staying.append(name) }
    for name in contents.files where !staying.contains(name) {
      guard unlink(PathParts.join(path, name)) == 0 || errno == ENOENT else { throw notRemoved(path, target) }
    }
    for folder in contents.folders.reversed() {
      // A folder with files that stay is not empty.
      guard rmdir(PathParts.join(path, folder)) == 0 || [ENOTEMPTY, EEXIST, ENOENT].contains(errno) else {
        throw notRemoved(path, target)
      }
    }
    let left = try FolderContents(listing: path).files
    guard left.isEmpty else { return left }
    // The marker last: until then it says what the rest is.
    guard unlink(PathParts.join(path, FolderMarker.name)) == 0, rmdir(path) == 0 else { throw notRemoved(path, target) }
    return []
  }

  private static func notRemoved(_ path: String, _ target: String) -> StructuredError {
    StructuredError(
      "the new folder is in its place, but the earlier one cannot be removed: \(String(cString: strerror(errno)))",
      at: target, action: "It is left in \(path), and removed by the next write.")
  }

  private static func isRemovable(
    _ name: String, of path: String, _ marker: FolderMarker, insteadOf target: String
  ) -> Bool {
    if marker.complete {
      if marker.hasWritten(name, in: path) { return true }
    } else {
      if marker.files[name] != nil { return true }
      // A file in the making: `.NAME.disentangle.tmp`.
      let parts = PathParts(name)
      if parts.name.hasPrefix("."), parts.name.hasSuffix(AtomicFile.temporarySuffix) {
        let name = parts.name.dropFirst().dropLast(AtomicFile.temporarySuffix.count)
        let original = PathParts.join(parts.folder, String(name))
        if original == FolderMarker.name || marker.files[original] != nil { return true }
      }
    }
    var here = stat(), there = stat()
    return lstat(PathParts.join(path, name), &here) == 0 && lstat(PathParts.join(target, name), &there) == 0
      && here.st_ino == there.st_ino && here.st_dev == there.st_dev
  }

  /// Removes what killed processes left beside a folder, and puts the folder back where one was killed between two
  /// renames. What a living process is writing is left alone.
  ///
  /// The caller holds the lock on the folder above.
  ///
  /// - Parameters:
  ///   - target: the folder.
  ///   - own: the hidden folder that the caller writes itself, which may be without a lock.
  static func clear(beside target: String, except own: String) {
    let parts = PathParts(target), parent = parts.folder.isEmpty ? "." : parts.folder
    let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
    for name in names.sorted(by: >) {
      guard let form = form(of: name, beside: parts.name) else { continue }
      let path = PathParts.join(parts.folder, name)
      if path == own { continue }
      let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
      guard descriptor >= 0 else { continue }
      defer { close(descriptor) }
      guard FileLocking.lock(descriptor, at: parent) == .taken else { continue }
      if form == .former, FolderMarker(reading: path) != nil, FolderExchange.renameToNew(path, target) == 0 { continue }
      _ = try? remove(path, insteadOf: target)
    }
  }

  private enum Form { case staging, former }

  /// Whether a name is hidden, and of this folder: `.NAME.DIGITS.staging` or `.NAME.DIGITS.staging.former`.
  private static func form(of name: String, beside target: String) -> Form? {
    guard name.hasPrefix(".\(target).") else { return nil }
    var rest = name.dropFirst(target.count + 2), form = Form.staging
    if rest.hasSuffix(formerSuffix) {
      rest = rest.dropLast(formerSuffix.count)
      form = .former
    }
    guard rest.hasSuffix(StagedFolder.suffix) else { return nil }
    rest = rest.dropLast(StagedFolder.suffix.count)
    return !rest.isEmpty && rest.allSatisfy { $0.isASCII && ($0.isNumber || $0.isLowercase) } ? form : nil
  }
}
