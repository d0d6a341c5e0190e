import Diagnostics
import Foundation

/// The number of processors that this process may use: those that the scheduler gives it, or fewer where a container's quota
/// of processor time is smaller (cgroup v2 `cpu.max`, cgroup v1 `cpu.cfs_quota_us`).
enum AvailableProcessors {
  /// The number, at least 1.
  static func count() -> Int {
    let active = ProcessInfo.processInfo.activeProcessorCount
    return max(1, min(active, quota { try? String(contentsOfFile: $0, encoding: .utf8) } ?? active))
  }

  /// The number of processors of the smallest quota of this process's control groups, rounded up; nil without a quota.
  ///
  /// - Parameter read: the contents of a file; nil if it cannot be read.
  static func quota(_ read: (_ path: String) -> String?) -> Int? {
    ControlGroups.folders(of: "cpu", read).compactMap { folder, isUnified in
      if isUnified { return unified(read("\(folder)/cpu.max")) }
      let values = ["quota", "period"].map { read("\(folder)/cpu.cfs_\($0)_us")?.split(separator: "\n").first ?? "" }
      return unified(values.joined(separator: " "))
    }.min()
  }

  /// The processors of "quota period", both in microseconds; nil for no quota or other text.
  private static func unified(_ text: String?) -> Int? {
    let numbers = (text ?? "").split { $0 == " " || $0 == "\n" }.map { Int($0) }
    guard numbers.count == 2, let quota = numbers[0], let period = numbers[1], quota > 0, period > 0 else { return nil }
    return (quota - 1) / period + 1
  }
}
