import Diagnostics
import FileFormats
import Foundation

/// The claim of one process on one run of a study, so that no two workers train it, on any number of machines that share
/// the folder.
///
/// A claim is a file, `DIGEST.1`, whose making is atomic everywhere, network file systems without locks included. It names
/// its process and its machine, and its modification time is renewed while the process lives. A claim is stale if its
/// process no longer runs; where that cannot be seen (another machine, another container), if it was not renewed for
/// `patience`, by the clock of the file system. Whoever takes over a stale claim makes the file of the next number,
/// `DIGEST.2`: of several, one succeeds, and the former holder, should it only have been slow, sees that it lost the run.
package final class RunClaim: Sendable {
  /// Who holds a claim.
  struct Holder: Sendable {
    /// The process; nil where the file is not readable, as in the moment of its making.
    var identity: ProcessIdentity?
    /// Seconds since it was renewed.
    var age: Double
    /// Whether nobody works on the run any more.
    var isStale: Bool
  }

  private let folder: String
  private let digest: String
  private let number: Int

  private init(folder: String, digest: String, number: Int) {
    (self.folder, self.digest, self.number) = (folder, digest, number)
  }

  /// Takes a run; nil if another process has it.
  ///
  /// - Parameters:
  ///   - digest: the run.
  ///   - folder: where claims are; it exists.
  ///   - patience: seconds after which the claim of a process that cannot be seen is stale.
  /// - Throws: `StructuredError` if the file cannot be made.
  package static func take(_ digest: String, in folder: String, patience: Double) throws -> RunClaim? {
    let number = try numbers(of: digest, in: folder).max() ?? 0
    if number > 0, let holder = try holder(path(digest, number, in: folder), patience: patience) {
      guard holder.isStale else { return nil }
    }
    let mine = path(digest, number + 1, in: folder)
    let descriptor = uninterrupted { open(mine, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
    if descriptor < 0 {
      if errno == EEXIST { return nil }
      throw StructuredError("the run cannot be claimed: \(String(cString: strerror(errno)))", at: mine)
    }
    defer { close(descriptor) }
    let claim = RunClaim(folder: folder, digest: digest, number: number + 1)
    let written = try JSONEncoder().encode(ProcessIdentity.current).withUnsafeBytes { bytes in
      write(descriptor, bytes.baseAddress, bytes.count) == bytes.count
    }
    guard written else {
      let reason = String(cString: strerror(errno))
      claim.release()
      throw StructuredError("the run cannot be claimed: \(reason)", at: mine)
    }
    return claim
  }

  /// Who has claimed a run; nil if nobody has.
  static func holder(of digest: String, in folder: String, patience: Double) throws -> Holder? {
    guard let number = try numbers(of: digest, in: folder).max() else { return nil }
    return try holder(path(digest, number, in: folder), patience: patience)
  }

  /// Says that this process still works on the run.
  ///
  /// - Returns: false if another process has taken it over meanwhile.
  package func renew() -> Bool {
    guard (try? Self.numbers(of: digest, in: folder).max()) == number else { return false }
    return utimensat(AT_FDCWD, Self.path(digest, number, in: folder), nil, 0) == 0
  }

  /// Gives the run back: removes this claim, and the stale ones below it.
  package func release() {
    for former in 1..<number { unlink(Self.path(digest, former, in: folder)) }
    unlink(Self.path(digest, number, in: folder))
  }

  private static func path(_ digest: String, _ number: Int, in folder: String) -> String {
    PathParts.join(folder, "\(digest).\(number)")
  }

  /// The numbers of the claims on a run, counted from 1 without a gap as they are made.
  private static func numbers(of digest: String, in folder: String) throws -> [Int] {
    // A claim below may have been removed by its release while this looks: the highest counts.
    var found: [Int] = [], number = 1, missing = 0
    while missing < 8 {
      if access(path(digest, number, in: folder), F_OK) == 0 {
        found.append(number)
        missing = 0
      } else {
        missing += 1
      }
      number += 1
    }
    return found
  }

  private static func holder(_ path: String, patience: Double) throws -> Holder? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    let identity = (try? Data(contentsOf: URL(fileURLWithPath: path))).flatMap {
      try? JSONDecoder().decode(ProcessIdentity.self, from: $0)
    }
    let age = try now(beside: path) - seconds(status)
    let isRunning = identity.flatMap { $0.isRunning() }
    return Holder(identity: identity, age: age, isStale: isRunning.map { !$0 } ?? (age > patience))
  }

  /// The time by the clock of the file system: that of a server may differ from that of this machine.
  private static func now(beside path: String) throws -> Double {
    let clock = PathParts.join(PathParts(path).folder, ".clock")
    let descriptor = uninterrupted { open(clock, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666) }
    defer { if descriptor >= 0 { close(descriptor) } }
    var status = stat()
    guard descriptor >= 0, futimens(descriptor, nil) == 0, fstat(descriptor, &status) == 0 else {
      throw StructuredError("the file cannot be written: \(String(cString: strerror(errno)))", at: clock)
    }
    return seconds(status)
  }

  private static func seconds(_ status: stat) -> Double {
    Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9
  }
}
