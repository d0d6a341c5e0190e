import Diagnostics
import Foundation

/// The two system calls that make replacing a folder safe: an exclusive lock on its parent, and the exchange of two
/// names in one step.
enum FolderExchange {
  /// Holds the lock on a folder while `body` runs; waits for whoever holds it.
  ///
  /// Where the file system has no such locks, `body` runs without one; see ``FileLocking``.
  static func withLock<Result>(on folder: String, _ body: () throws -> Result) rethrows -> Result {
    let descriptor = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { if descriptor >= 0 { close(descriptor) } }
    if descriptor >= 0 { _ = FileLocking.lock(descriptor, at: folder.isEmpty ? "." : folder, waiting: true) }
    return try body()
  }

  /// Renames a folder where nothing is; fails with `EEXIST` if something is there.
  ///
  /// - Returns: 0, or -1 with `errno` set.
  static func renameToNew(_ old: String, _ new: String) -> Int32 {
    let result = renameat2(old, new, flags: 1)  // RENAME_NOREPLACE
    guard result != 0, isUnsupported(errno) else { return result }
    var status = stat()
    guard lstat(new, &status) != 0 else {
      errno = EEXIST
      return -1
    }
    return rename(old, new)
  }

  /// Exchanges two names in one step.
  ///
  /// - Returns: 0; or -1 with `errno` set, where ``isUnsupported(_:)`` is true if the file system has no exchange.
  static func exchange(_ a: String, _ b: String) -> Int32 { renameat2(a, b, flags: 2) }  // RENAME_EXCHANGE

  /// Whether an error number means that the kernel or the file system does not have the operation.
  static func isUnsupported(_ code: Int32) -> Bool { [EINVAL, ENOSYS, EOPNOTSUPP, EXDEV].contains(code) }

  private typealias RenameAt2 =
    @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32

  /// The function of the C library, which Swift's module of it does not declare; nil where the library has none.
  private static let function: RenameAt2? = dlsym(nil, "renameat2").map { unsafeBitCast($0, to: RenameAt2.self) }

  private static func renameat2(_ old: String, _ new: String, flags: UInt32) -> Int32 {
    guard let function else {
      errno = ENOSYS
      return -1
    }
    return function(AT_FDCWD, old, AT_FDCWD, new, flags)
  }

  /// Forces the names in a folder onto the disk.
  ///
  /// - Parameters:
  ///   - folder: the folder.
  ///   - path: what was written, for the message.
  /// - Throws: `StructuredError` if the disk refuses. A file system that cannot do this for folders is no error.
  static func synchronize(_ folder: String, for path: String) throws {
    let descriptor = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    guard uninterrupted({ fsync(descriptor) }) != 0, [EIO, ENOSPC, EDQUOT].contains(errno) else { return }
    throw StructuredError("cannot force the folder onto the disk: \(String(cString: strerror(errno)))", at: path)
  }
}
