import Foundation

/// A process, so that another one can tell whether it still runs.
struct ProcessIdentity: Codable, Equatable, Sendable {
  /// The name of the machine, for people.
  var host: String
  /// The identity of the machine's boot: different on every machine and after every restart.
  var boot: String
  /// The namespace of process numbers: the same number means another process in another container.
  var namespace: String
  /// The number of the process.
  var process: Int32
  /// When the process started, in ticks after the boot: numbers are used again.
  var started: UInt64

  /// This process.
  static let current = ProcessIdentity(
    host: ProcessInfo.processInfo.hostName, boot: text("/proc/sys/kernel/random/boot_id"),
    namespace: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")) ?? "",
    process: getpid(), started: start(of: getpid()) ?? 0)

  /// Whether the process runs; nil where this process cannot tell, because it is on another machine or in another container.
  func isRunning(asSeenBy observer: ProcessIdentity = .current) -> Bool? {
    guard !boot.isEmpty, boot == observer.boot, !namespace.isEmpty, namespace == observer.namespace else { return nil }
    return Self.start(of: process) == started
  }

  private static func text(_ path: String) -> String {
    ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// The start of a process, from the 22nd field of its `stat`; nil if there is none.
  private static func start(of process: Int32) -> UInt64? {
    // The second field is a name in parentheses, which may have spaces and parentheses in it.
    guard let rest = text("/proc/\(process)/stat").split(separator: ")", omittingEmptySubsequences: false).last
    else { return nil }
    let fields = rest.split(separator: " ")
    // A zombie has ended; only its parent does not know.
    guard fields.count > 19, fields[0] != "Z" else { return nil }
    return UInt64(fields[19])
  }
}
