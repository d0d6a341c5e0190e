import Diagnostics
import Foundation

/// Another program that does the same work: a child process that times tasks on request, with one JSON object per line.
///
/// It runs as long as the benchmarks, so that its warm-up is complete when it is measured.
final class Peer {
  /// The command that starts it.
  let command: String
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var unread = Data()

  /// A task to time.
  struct Request: Encodable {
    var work: String
    var architecture: String?
    var objective: String?
    var mode: String?
    var batch: Int?
    var components: Int?
    var samples: Int?
    var marginals: Bool?
    var threads: Int?
    var network: ShapesNetwork?
    var file: String?
    var count = 1
  }

  private struct Answer: Decodable {
    var name: String?
    var milliseconds: [Double]?
    var error: String?
  }

  /// Settings of the C library's allocator with which PyTorch loses no time to page faults of fresh buffers: it is to
  /// be compared at its best.
  private static let tuning = [
    "MALLOC_MMAP_THRESHOLD_": "2147483647", "MALLOC_TRIM_THRESHOLD_": "8589934592", "MALLOC_TOP_PAD_": "268435456",
  ]

  /// Starts a peer.
  ///
  /// - Throws: `StructuredError` if it does not start or does not answer.
  init(command: String, threads: Int) throws {
    self.command = command
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "exec " + command]
    process.environment = ProcessInfo.processInfo.environment.merging(Self.tuning) { _, tuned in tuned }
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { throw StructuredError("the peer cannot be started: \(error)", at: command) }
    let hello = try ask(Request(work: "hello", threads: threads))
    name = hello.name ?? command
  }

  /// Its name and version.
  private(set) var name = ""

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  /// The seconds that each repetition of the work took.
  ///
  /// - Throws: `StructuredError` with the peer's message if it fails.
  func time(_ request: Request) throws -> [Double] { (try ask(request).milliseconds ?? []).map { $0 / 1000 } }

  private func ask(_ request: Request) throws -> Answer {
    try input.fileHandleForWriting.write(contentsOf: JSONEncoder().encode(request) + Data("\n".utf8))
    let answer = try JSONDecoder().decode(Answer.self, from: readLine())
    if let error = answer.error { throw StructuredError("the peer failed: \(error)", at: command) }
    return answer
  }

  private func readLine() throws -> Data {
    while true {
      if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
        defer { unread = Data(unread[(end + 1)...]) }
        return Data(unread[..<end])
      }
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else {
        throw StructuredError(
          "the peer exited without an answer", at: command, expected: "a program that answers JSON lines",
          action: "Run the command to see its errors; script/peer_pytorch.py needs PyTorch.")
      }
      unread += more
    }
  }
}
