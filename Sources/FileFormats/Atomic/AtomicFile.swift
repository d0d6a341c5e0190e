import Diagnostics
import Foundation

/// Files that appear whole or not at all.
///
/// Bytes go to a temporary beside the file (`.NAME.disentangle.tmp`), which is synced to the disk and then renamed over it. Whatever
/// goes wrong before the rename, a kill or a full disk included, the file is as it was. A temporary that a killed
/// process left behind is used again by the next write; one that another process is writing is respected.
///
/// A program that may run under a file-size limit must ignore `SIGXFSZ`, so that the limit is an error and not a signal.
public enum AtomicFile {
  /// What the name of a temporary ends in: nobody else's file has such a name.
  static let temporarySuffix = ".disentangle.tmp"

  /// Where the bytes of a file go while it is written.
  public final class Output {
    fileprivate let descriptor: Int32
    private let path: String
    /// Where the file ends so far.
    public private(set) var count = 0

    fileprivate init(descriptor: Int32, path: String) {
      self.descriptor = descriptor
      self.path = path
    }

    /// Appends bytes.
    ///
    /// - Throws: `StructuredError` with the system's reason, as a full disk.
    public func write(_ bytes: UnsafeRawBufferPointer) throws { try write(bytes, at: count) }

    /// Writes bytes at a place; zeros fill what is left out before it.
    ///
    /// - Throws: as `write(_:)`.
    public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
      var done = 0
      while done < bytes.count {
        let written = pwrite(
          descriptor, bytes.baseAddress! + done, min(bytes.count - done, 1 << 26), off_t(offset + done))
        if written < 0 {
          if errno == EINTR { continue }
          throw AtomicFile.failure("cannot write the file", path)
        }
        done += written
      }
      count = max(count, offset + bytes.count)
    }

    /// Appends bytes.
    public func write(_ bytes: some ContiguousBytes) throws {
      try bytes.withUnsafeBytes { (raw: UnsafeRawBufferPointer) in try write(raw) }
    }
  }

  /// Writes a file whole.
  ///
  /// - Parameters:
  ///   - path: the file; a symbolic link is followed.
  ///   - overwrite: whether a file that is already there is replaced.
  ///   - body: writes the bytes.
  /// - Throws: `StructuredError` when the file exists and must not be replaced, is a directory or another thing than a
  ///   file, its folder is missing or not writable, or the system refuses a write; and whatever `body` throws.
  public static func write(
    to path: String, overwrite: Bool = true, _ body: (_ output: Output) throws -> Void
  ) throws {
    try requireWritable(path, overwrite: overwrite)
    var target = path
    if let resolved = realpath(path, nil) {
      target = String(cString: resolved)
      free(resolved)
    }
    let parts = PathParts(target), folder = parts.folder
    let temporary = PathParts.join(folder, ".\(parts.name)\(temporarySuffix)")
    let descriptor = try openLocked(temporary, for: path)
    var renamed = false
    defer {
      if !renamed { unlink(temporary) }
      close(descriptor)
    }
    var status = stat()
    if stat(target, &status) == 0 {
      // A file that only its owner may read stays so; some file systems have no permissions.
      guard uninterrupted({ fchmod(descriptor, status.st_mode & 0o777) }) == 0 || [EPERM, ENOTSUP].contains(errno)
      else {
        throw failure("cannot keep the permissions of the file", path)
      }
    }
    try body(Output(descriptor: descriptor, path: path))
    guard uninterrupted({ fsync(descriptor) }) == 0 else { throw failure("cannot write the file", path) }
    guard rename(temporary, target) == 0 else { throw failure("cannot put the file in its place", path) }
    renamed = true
    // The rename itself is on the disk once the folder is.
    try FolderExchange.synchronize(folder, for: path)
  }

  /// Writes bytes as a file.
  public static func write(_ bytes: some ContiguousBytes, to path: String, overwrite: Bool = true) throws {
    try write(to: path, overwrite: overwrite) { try $0.write(bytes) }
  }

  /// Makes sure that ``write(to:overwrite:_:)`` may begin, for programs that compute for long before they write.
  ///
  /// - Throws: `StructuredError` as there, as far as it can be known beforehand.
  public static func requireWritable(_ path: String, overwrite: Bool) throws {
    guard !path.isEmpty else { throw StructuredError("the name of the file to write is empty") }
    var status = stat()
    if stat(path, &status) == 0 {
      switch status.st_mode & S_IFMT {
      case S_IFREG: break
      case S_IFDIR: throw StructuredError("this is a directory", at: path, expected: "the name of a file to write")
      default: throw StructuredError("this is not a regular file", at: path, expected: "the name of a file to write")
      }
      guard overwrite else {
        throw StructuredError("the file already exists", at: path, action: "Choose another name or pass --force.")
      }
    }
    let parent = PathParts(path).folder
    let folder = parent.isEmpty ? "." : parent
    guard stat(folder, &status) == 0 else { throw failure("cannot write into the folder \(folder)", path) }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw StructuredError("\(folder) is not a folder", at: path, expected: "the name of a file in a folder")
    }
    guard access(folder, W_OK) == 0 else { throw failure("cannot write into the folder \(folder)", path) }
  }

  /// Opens and locks the temporary, emptied.
  private static func openLocked(_ temporary: String, for path: String) throws -> Int32 {
    for _ in 0..<100 {
      let descriptor = uninterrupted { open(temporary, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666) }
      guard descriptor >= 0 else { throw failure("cannot write the file", path) }
      if FileLocking.lock(descriptor, at: path) == .busy {
        close(descriptor)
        throw StructuredError("another process is writing this file", at: path)
      }
      // Between opening and locking, the other process may have renamed the temporary into its place.
      var held = stat(), named = stat()
      if fstat(descriptor, &held) == 0, stat(temporary, &named) == 0, held.st_ino == named.st_ino {
        guard uninterrupted({ ftruncate(descriptor, 0) }) == 0 else {
          let error = failure("cannot write the file", path)
          unlink(temporary)
          close(descriptor)
          throw error
        }
        return descriptor
      }
      close(descriptor)
    }
    throw StructuredError("another process keeps writing this file", at: path)
  }

  private static func failure(_ what: String, _ path: String) -> StructuredError {
    StructuredError("\(what): \(String(cString: strerror(errno)))", at: path)
  }
}
