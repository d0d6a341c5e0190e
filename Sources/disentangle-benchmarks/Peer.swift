import Diagnostics
import Foundation

/// Another program that does the same work: a child process that times it on request, one JSON object per line.
///
/// It lives as long as the benchmarks do, so that its warm-up is over when it is measured.
final class Peer {
  /// What it calls itself, with its version.
  let name: String
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var unread = Data()

  /// A piece of work to time.
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

  /// Settings of the C library's allocator with which PyTorch loses no time to page faults of fresh buffers: it is to be
  /// compared at its best.
  private static let tuning = [
    "MALLOC_MMAP_THRESHOLD_": "2147483647", "MALLOC_TRIM_THRESHOLD_": "8589934592", "MALLOC_TOP_PAD_": "268435456",
  ]

  /// Starts a peer.
  ///
  /// - Throws: `StructuredError` if it does not start or does not answer.
  init(command: String, threads: Int) throws {
    name = command
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "exec " + command]
    process.environment = ProcessInfo.processInfo.environment.merging(Self.tuning) { _, tuned in tuned }
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { throw StructuredError("the peer does not start: \(error)", at: command) }
    let hello = try ask(Request(work: "hello", threads: threads))
    introduction = hello.name ?? command
  }

  /// Its name and version, as it says.
  private(set) var introduction = ""

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  /// The seconds that each repetition of the work took.
  ///
  /// - Throws: `StructuredError` with the peer's own words if it cannot do the work.
  func time(_ request: Request) throws -> [Double] { (try ask(request).milliseconds ?? []).map { $0 / 1000 } }

  private func ask(_ request: Request) throws -> Answer {
    try input.fileHandleForWriting.write(contentsOf: JSONEncoder().encode(request) + Data("\n".utf8))
    let answer = try JSONDecoder().decode(Answer.self, from: readLine())
    if let error = answer.error { throw StructuredError("the peer cannot: \(error)", at: name) }
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
          "the peer ended without an answer", at: name, expected: "a program that answers JSON lines",
          action: "Run it by hand; PyTorch installs with: pip install torch==2.13.0+cpu")
      }
      unread += more
    }
  }
}
