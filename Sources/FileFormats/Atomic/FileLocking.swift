import Diagnostics
import Foundation
import Synchronization

/// Locks on open files and folders, which the system releases when their process ends, however it ends.
///
/// Some network file systems know no locks. Work goes on there without them, and it is said once for each place: two
/// processes that write there at the same time would not notice each other.
package enum FileLocking {
  /// What came of taking a lock.
  package enum Outcome: Sendable, Equatable {
    /// This process has it.
    case taken
    /// Another process, or another part of this one, has it.
    case busy
    /// The file system has no locks, which has been said.
    case unavailable
  }

  /// What tests replace.
  package struct System: Sendable {
    /// `flock`, told the place that is locked.
    package var flock: @Sendable (_ descriptor: Int32, _ operation: Int32, _ place: String) -> Int32 = {
      descriptor, operation, _ in lockFile(descriptor, operation)
    }
    /// Where a missing lock is said: standard error.
    package var report: @Sendable (_ message: String) -> Void = { message in
      try? FileHandle.standardError.write(contentsOf: Data("warning: \(message)\n".utf8))
    }

    /// The system as it is.
    package init() {}
  }

  /// The system's lock, and where a missing one is said.
  package static let system = Mutex(System())

  private static let reported = Mutex<Set<String>>([])

  /// Takes an exclusive lock.
  ///
  /// - Parameters:
  ///   - descriptor: An open file or folder.
  ///   - place: Its path, for the message.
  ///   - waiting: Whether to wait for whoever has the lock.
  package static func lock(_ descriptor: Int32, at place: String, waiting: Bool = false) -> Outcome {
    let system = system.withLock { $0 }
    while system.flock(descriptor, waiting ? LOCK_EX : LOCK_EX | LOCK_NB, place) != 0 {
      let code = errno
      if code == EINTR { continue }
      if code == EWOULDBLOCK { return .busy }
      if reported.withLock({ $0.insert(place).inserted }) {
        system.report(
          "\(place.escapingControls()): the file system cannot lock this (\(String(cString: strerror(code)))); "
            + "make sure that no other process writes there")
      }
      return .unavailable
    }
    return .taken
  }
}

/// The system call, whose name a structure of the C library has, too.
private func lockFile(_ descriptor: Int32, _ operation: Int32) -> Int32 { flock(descriptor, operation) }
