import Diagnostics
import Foundation

/// An exclusive lock on a file, held until the object goes or the process ends, however it ends.
package final class FileLock: Sendable {
  private let descriptor: Int32

  /// Takes the lock; nil, with `errno` set, if the file cannot be made.
  ///
  /// - Throws: `StructuredError` if another process, or another part of this one, holds it.
  package init?(_ path: String, at location: String, busy: String) throws {
    descriptor = uninterrupted { open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666) }
    guard descriptor >= 0 else { return nil }
    if FileLocking.lock(descriptor, at: location) == .busy {
      throw StructuredError(busy, at: location, action: "Wait for it, stop it, or choose another --output.")
    }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }
}
