import Diagnostics
import Foundation

/// Makes folders, and says why if it cannot.
package enum FolderMaking {
  /// Makes a folder, and those above it that are missing; a folder that is there already will do.
  ///
  /// - Throws: `StructuredError` with `what` and the system's reason.
  package static func makeFolder(_ path: String, what: String, at location: String) throws {
    guard make(path) != 0 else { return }
    throw StructuredError(
      "\(what): \(String(cString: strerror(errno)))", at: location, action: "Choose another --output.")
  }

  /// - Returns: 0; or -1 with `errno` set.
  private static func make(_ path: String) -> Int32 {
    if mkdir(path, 0o777) == 0 { return 0 }
    if errno == EEXIST {
      var status = stat()
      guard stat(path, &status) == 0 else { return -1 }
      if status.st_mode & S_IFMT == S_IFDIR { return 0 }
      errno = ENOTDIR
      return -1
    }
    let parent = PathParts(path).folder
    guard errno == ENOENT, !parent.isEmpty, parent != path, make(parent) == 0 else { return -1 }
    // Another process may make it at the same time.
    return mkdir(path, 0o777) == 0 || errno == EEXIST ? 0 : -1
  }
}
