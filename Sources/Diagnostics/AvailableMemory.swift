import Foundation

/// The memory that a process may use: what the machine has, or less where a container's limit is smaller (cgroup v2
/// `memory.max`, cgroup v1 `memory.limit_in_bytes`).
public struct AvailableMemory: Sendable, Equatable {
  /// The number of bytes.
  public let bytes: Int
  /// Where the limit comes from, in words.
  public let source: String

  /// Describes the memory there is.
  public init(bytes: Int, source: String) { (self.bytes, self.source) = (bytes, source) }

  /// That of this process.
  public static var ofThisProcess: AvailableMemory {
    AvailableMemory(physical: Int(clamping: ProcessInfo.processInfo.physicalMemory)) {
      try? String(contentsOfFile: $0, encoding: .utf8)
    }
  }

  /// The smaller of the machine's memory and the limits of this process's control groups.
  ///
  /// - Parameters:
  ///   - physical: the machine's memory in bytes.
  ///   - read: the contents of a file; nil if it cannot be read.
  package init(physical: Int, _ read: (_ path: String) -> String?) {
    let limits = ControlGroups.folders(of: "memory", read).compactMap { folder, isUnified in
      read(folder + (isUnified ? "/memory.max" : "/memory.limit_in_bytes")).flatMap {
        Int($0.split(separator: "\n").first ?? "")
      }
    }
    if let limit = limits.min(), limit < physical {
      self.init(bytes: limit, source: "the memory limit of this container")
    } else {
      self.init(bytes: physical, source: "the memory of this machine")
    }
  }
}

/// The control groups of this process, whose limits hold for it.
package enum ControlGroups {
  /// The folders of the groups that have a controller, and those above them; a limit of any of them holds.
  ///
  /// - Parameters:
  ///   - controller: `cpu` or `memory`.
  ///   - read: the contents of a file; nil if it cannot be read.
  /// - Returns: the folders, without a final slash, and whether they are of version 2, where all controllers share one.
  package static func folders(
    of controller: String, _ read: (_ path: String) -> String?
  ) -> [(path: String, isUnified: Bool)] {
    (read("/proc/self/cgroup") ?? "").split(separator: "\n").flatMap { line -> [(path: String, isUnified: Bool)] in
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { return [] }
      let isUnified = fields[0] == "0"
      guard isUnified || fields[1].split(separator: ",").contains(Substring(controller)) else { return [] }
      return ancestors(of: String(fields[2])).map {
        ("/sys/fs/cgroup" + (isUnified ? "" : "/\(fields[1])") + $0, isUnified)
      }
    }
  }

  /// `/a/b` as `/a/b`, `/a` and the empty path.
  private static func ancestors(of path: String) -> [String] {
    var path = path == "/" ? "" : path, all = [path]
    while let slash = path.lastIndex(of: "/") {
      path = String(path[..<slash])
      all.append(path)
    }
    return all
  }
}
