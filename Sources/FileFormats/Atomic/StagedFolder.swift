import Diagnostics
import Foundation

/// A folder that is being written beside the place where it will appear, under a hidden name of its own.
///
/// The steps, after each of which the process may be killed:
///
/// 1. `init(for:as:files:)` makes the hidden folder, with a marker that lists the files to come.
/// 2. ``write(_:as:)`` and ``path(of:)`` fill it.
/// 3. `seal()` completes the marker with the size and checksum of each file, and forces all onto the disk.
/// 4. `keepForeignFiles(of:_:)` gives each file of the earlier folder that the program did not write a second name
///    in the new one (a hard link), so that it is in both.
/// 5. `exchange(with:)` exchanges the two in one system call, or `appear()` renames the new one where none was.
/// 6. `FolderRemains` removes what was replaced, file by file, as far as it is the program's.
///
/// At every moment one whole folder has the name. What a killed process leaves is removed by the next one.
public final class StagedFolder {
  /// The folder to appear, links resolved.
  let target: String
  /// The hidden folder.
  let path: String
  private var marker: FolderMarker
  // The lock shows that the writer is alive; it belongs to the folder, not to its name.
  private let descriptor: Int32

  /// What hidden names end in.
  static let suffix = ".staging"

  /// Makes the hidden folder.
  ///
  /// - Parameters:
  ///   - target: the folder to appear.
  ///   - kind: what it is.
  ///   - names: the files to come, as paths within it.
  /// - Throws: `StructuredError` if it cannot be made.
  init(for target: String, as kind: FolderKind, files names: some Sequence<String>) throws {
    let resolved = realpath(target, nil).map { pointer in
      defer { free(pointer) }
      return String(cString: pointer)
    }
    let parts = PathParts(resolved ?? target)
    self.target = PathParts.join(parts.folder, parts.name)
    // Under the lock on the folder above, which whoever removes remains holds too: until this one is locked itself, it
    // looks like what a killed process left.
    (path, descriptor) = try FolderExchange.withLock(on: parts.folder) {
      var random = SystemRandomNumberGenerator()
      var path: String
      repeat {
        let digits = String(UInt64.random(in: 1 << 60...UInt64.max, using: &random), radix: 36)
        path = PathParts.join(parts.folder, ".\(parts.name).\(digits)\(Self.suffix)")
        errno = 0
      } while mkdir(path, 0o777) != 0 && errno == EEXIST
      guard errno == 0 else { throw failure("cannot make the folder", target) }
      let descriptor = uninterrupted { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
      guard descriptor >= 0 else {
        let error = failure("cannot make the folder", target)
        rmdir(path)
        throw error
      }
      _ = FileLocking.lock(descriptor, at: parts.folder.isEmpty ? "." : parts.folder)
      return (path, descriptor)
    }
    marker = FolderMarker(kind: kind.name, files: names)
    do { try marker.write(into: path) } catch {
      // The marker may be in its place, although the disk has not confirmed it.
      _ = try? FolderRemains.remove(path, insteadOf: self.target)
      throw error
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Where a file is to be written; the folders above it are made.
  ///
  /// - Throws: `StructuredError` if they cannot be made.
  public func path(of name: String) throws -> String {
    precondition(marker.files[name] != nil, "\(name) is not among the files to come")
    let file = PathParts.join(path, name)
    try FolderMaking.makeFolder(PathParts(file).folder, what: "cannot make the folder", at: target)
    return file
  }

  /// Writes a file.
  ///
  /// - Throws: `StructuredError` if it cannot be written.
  public func write(_ data: Data, as name: String) throws {
    try AtomicFile.write(data, to: path(of: name))
    marker.files[name] = FolderMarker.File(describing: data)
  }

  /// An error about a file in the folder, at the place where the file was to appear instead of under the hidden name.
  func located(_ error: any Error) -> any Error {
    guard var error = error as? StructuredError, let location = error.location, location.hasPrefix(path) else {
      return error
    }
    error.location = target + location.dropFirst(path.count)
    return error
  }

  /// Completes the marker.
  ///
  /// - Throws: `StructuredError` if a file is missing or the marker cannot be written.
  func seal() throws {
    for (name, file) in marker.files where file.bytes == nil {
      guard let written = FolderMarker.File(describing: PathParts.join(path, name)) else {
        throw StructuredError("the file \(name) was not written", at: target)
      }
      marker.files[name] = written
    }
    marker.complete = true
    try marker.write(into: path)
    for folder in try FolderContents(listing: path).folders.reversed() {
      try FolderExchange.synchronize(PathParts.join(path, folder), for: target)
    }
    try FolderExchange.synchronize(path, for: target)
  }

  /// Gives the earlier folder's foreign files a second name in this one, and takes over its permissions.
  ///
  /// - Throws: `StructuredError` if this folder has a file of the same name, or the file system has no hard links.
  func keepForeignFiles(of earlier: FolderContents, _ earlierMarker: FolderMarker) throws {
    let folders = earlier.foreignFolders(earlierMarker)
    for folder in folders where marker.files[folder] != nil { throw inTheWay(folder) }
    for folder in folders {
      guard mkdir(PathParts.join(path, folder), mode(of: PathParts.join(earlier.path, folder))) == 0 || errno == EEXIST
      else { throw failure("cannot make the folder \(folder)", target) }
    }
    for name in earlier.foreignFiles(earlierMarker) {
      // The folder may have held files of the program's once and hold none now.
      let copy = PathParts.join(path, name)
      try? FileManager.default.createDirectory(atPath: PathParts(copy).folder, withIntermediateDirectories: true)
      guard link(PathParts.join(earlier.path, name), copy) == 0 else {
        if errno == EEXIST || errno == ENOTDIR { throw inTheWay(name) }
        throw StructuredError(
          "\(name) was not written by this program and cannot be kept: \(String(cString: strerror(errno)))", at: target,
          action: "Move it elsewhere, or choose another --output.")
      }
    }
    chmod(path, mode(of: earlier.path))
    try FolderExchange.synchronize(path, for: target)
  }

  private func inTheWay(_ name: String) -> StructuredError {
    StructuredError(
      "\(name) was not written by this program, and a file of this name is to be written", at: target,
      action: "Move it elsewhere, or choose another --output.")
  }

  private func mode(of folder: String) -> mode_t {
    var status = stat()
    return stat(folder, &status) == 0 ? status.st_mode & 0o7777 : 0o777
  }

  /// Renames the folder to a name that nothing has.
  ///
  /// - Returns: false if something has the name.
  /// - Throws: `StructuredError` if the system refuses for another reason.
  func appear() throws -> Bool {
    if FolderExchange.renameToNew(path, target) == 0 {
      try FolderExchange.synchronize(PathParts(target).folder, for: target)
      return true
    }
    guard errno == EEXIST || errno == ENOTEMPTY else { throw failure("cannot put the folder in its place", target) }
    return false
  }

  /// Puts the folder in the place of the earlier one, which then has the hidden name.
  ///
  /// Where the file system cannot exchange names the earlier one is renamed first. A process killed between the two
  /// renames leaves it whole under its hidden name, and the next one puts it back.
  ///
  /// - Returns: the earlier folder's name.
  /// - Throws: `StructuredError` if the system refuses; the earlier folder is in its place then.
  func exchange() throws -> String {
    let earlier = try exchangeNames()
    try FolderExchange.synchronize(PathParts(target).folder, for: target)
    return earlier
  }

  private func exchangeNames() throws -> String {
    if FolderExchange.exchange(path, target) == 0 { return path }
    guard FolderExchange.isUnsupported(errno) else { throw failure("cannot put the folder in its place", target) }
    let earlier = path + FolderRemains.formerSuffix
    guard rename(target, earlier) == 0 else { throw failure("cannot put the folder in its place", target) }
    guard rename(path, target) == 0 else {
      let error = failure("cannot put the folder in its place", target)
      rename(earlier, target)
      throw error
    }
    return earlier
  }
}

/// "what: the system's reason".
private func failure(_ what: String, _ path: String) -> StructuredError {
  StructuredError("\(what): \(String(cString: strerror(errno)))", at: path, action: "Choose another --output.")
}
