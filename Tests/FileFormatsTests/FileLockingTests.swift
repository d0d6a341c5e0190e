import Diagnostics
import FileFormats
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("Locks", .serialized)
struct FileLockingTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Runs `body` where locking in the folder goes as `flock` has it, and returns what was said of the folder.
  private func locking(
    _ flock: @escaping @Sendable (_ descriptor: Int32, _ operation: Int32) -> Int32, _ body: () throws -> Void
  ) rethrows -> [String] {
    let root = folder.path, usual = FileLocking.System()
    let said = Said()
    FileLocking.system.withLock { system in
      // Other tests lock at the same time.
      system.flock = { $2.hasPrefix(root) ? flock($0, $1) : usual.flock($0, $1, $2) }
      system.report = { message in
        if message.hasPrefix(root) { said.add(message) } else { usual.report(message) }
      }
    }
    defer { FileLocking.system.withLock { $0 = usual } }
    try body()
    return said.messages
  }

  private final class Said: Sendable {
    private let list = Mutex<[String]>([])
    func add(_ message: String) { list.withLock { $0.append(message) } }
    var messages: [String] { list.withLock { $0 } }
  }

  private static func failing(_ code: Int32) -> @Sendable (Int32, Int32) -> Int32 {
    { _, _ in
      errno = code
      return -1
    }
  }

  @Test("A file system without locks is said once for each place, and work goes on", arguments: [ENOLCK, EOPNOTSUPP])
  func unavailable(code: Int32) throws {
    let file = folder.file("run.lock")
    let said = try locking(Self.failing(code)) {
      let first = try FileLock(file, at: folder.path, busy: "busy")
      let second = try FileLock(file, at: folder.path, busy: "busy")
      #expect(first != nil && second != nil)
      try AtomicFile.write(Data("x".utf8), to: folder.file("a"))
      try AtomicFolder.write([("index.html", Data("x".utf8))], to: folder.file("report"), as: FolderKind("report"))
    }
    #expect(said.filter { $0.hasPrefix("\(folder.path): the file system cannot lock this") }.count == 1)
    #expect(said.contains { $0.hasPrefix("\(folder.file("a")): ") && $0.contains("no other process writes there") })
    #expect(said.allSatisfy { $0.contains(String(cString: strerror(code))) })
    #expect(try folder.names().sorted() == ["a", "report", "run.lock"])
  }

  @Test("A folder whose own lock failed is not taken for what a killed process left")
  func unlocked() throws {
    let calls = Said()
    // The first lock is that on the folder above, the second that on the folder being written.
    let said = try locking({ descriptor, operation in
      calls.add("call")
      guard calls.messages.count == 2 else { return flock(descriptor, operation) }
      errno = EIO
      return -1
    }) {
      try AtomicFolder.write([("index.html", Data("x".utf8))], to: folder.file("report"), as: FolderKind("report"))
    }
    #expect(said.count == 1)
    #expect(try folder.names() == ["report"])
  }

  @Test("A lock that another has is an error, and nothing is said")
  func busy() throws {
    let said = locking(Self.failing(EWOULDBLOCK)) {
      let error = #expect(throws: StructuredError.self) {
        try FileLock(folder.file("run.lock"), at: folder.path, busy: "another process is training this run")
      }
      #expect(error?.what == "another process is training this run")
    }
    #expect(said.isEmpty)
  }

  @Test("An interrupted call is made again")
  func interrupted() throws {
    let calls = Said()
    _ = try locking({ descriptor, operation in
      calls.add("call")
      if calls.messages.count < 3 {
        errno = EINTR
        return -1
      }
      return flock(descriptor, operation)
    }) {
      let lock = try FileLock(folder.file("run.lock"), at: folder.path, busy: "busy")
      #expect(lock != nil)
    }
    #expect(calls.messages.count == 3)
  }
}
