import Foundation
import TestSupport

/// Runs the executable as a person would.
struct Program {
  /// What a program left behind when it ended.
  struct Result {
    /// The exit code; 128 + n where the signal n ended it, as shells say.
    var code: Int32
    /// Standard output.
    var output: String
    /// Standard error.
    var errors: String
  }

  /// The executable beside the tests.
  static let path = path(of: "disentangle")

  /// The path of an executable beside the tests.
  static func path(of executable: String) -> String {
    let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let candidates = [tests, Bundle.main.bundleURL, URL(fileURLWithPath: Swift.CommandLine.arguments[0])]
      .map { $0.deletingLastPathComponent().appendingPathComponent(executable).path }
    return candidates.first { FileManager.default.isExecutableFile(atPath: $0) } ?? candidates[0]
  }

  /// Runs another executable to its end.
  static func run(executable: String, _ arguments: [String], in folder: TemporaryFolder) throws -> Result {
    try start(executable: executable, arguments, in: folder).wait()
  }

  /// Starts another executable and returns at once.
  static func start(executable: String, _ arguments: [String], in folder: TemporaryFolder) throws -> Program {
    try Program(path(of: executable), arguments, in: folder, environment: [:])
  }

  /// Runs it to its end.
  static func run(
    _ arguments: String..., in folder: TemporaryFolder, environment: [String: String] = [:]
  ) throws -> Result {
    try Program(path, arguments, in: folder, environment: environment).wait()
  }

  /// Runs it to its end with a list of arguments.
  static func run(_ arguments: [String], in folder: TemporaryFolder) throws -> Result {
    try Program(path, arguments, in: folder, environment: [:]).wait()
  }

  /// Runs a line of shell in which `$disentangle` is the executable.
  static func shell(_ line: String, in folder: TemporaryFolder) throws -> Result {
    try Program("/bin/sh", ["-c", line], in: folder, environment: ["disentangle": path]).wait()
  }

  /// Starts it and returns at once.
  static func start(_ arguments: String..., in folder: TemporaryFolder) throws -> Program {
    try Program(path, arguments, in: folder, environment: [:])
  }

  private let process = Process()
  // Files, not pipes, so that nobody has to read while the program runs.
  private let streams: TemporaryFolder
  private let ended = DispatchSemaphore(value: 0)

  private init(
    _ executable: String, _ arguments: [String], in folder: TemporaryFolder, environment: [String: String]
  ) throws {
    streams = try TemporaryFolder()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle(forWritingAtPath: try streams.write([], as: "output"))
    process.standardError = FileHandle(forWritingAtPath: try streams.write([], as: "errors"))
    process.terminationHandler = { [ended] _ in ended.signal() }
    try process.run()
  }

  /// Whether it has not ended yet.
  var isRunning: Bool { process.isRunning }

  /// Sends it a signal.
  func signal(_ number: Int32) { kill(process.processIdentifier, number) }

  /// Sends it SIGKILL when some time has passed.
  ///
  /// - Returns: whether it was still running then.
  func isKilled(after seconds: Double) -> Bool {
    guard ended.wait(timeout: .now() + seconds) == .timedOut else { return false }
    signal(SIGKILL)
    process.waitUntilExit()
    return process.terminationReason == .uncaughtSignal
  }

  /// Waits for its end.
  func wait() throws -> Result {
    process.waitUntilExit()
    func text(_ name: String) throws -> String {
      String(decoding: try Data(contentsOf: URL(fileURLWithPath: streams.file(name))), as: UTF8.self)
    }
    let signalled = process.terminationReason == .uncaughtSignal
    return Result(
      code: process.terminationStatus + (signalled ? 128 : 0), output: try text("output"), errors: try text("errors"))
  }

  /// Waits until it has shown something on standard error, as training does after its first step.
  ///
  /// - Returns: false if it ended before.
  func waitForProgress() -> Bool {
    while process.isRunning {
      if let size = try? FileManager.default.attributesOfItem(atPath: streams.file("errors"))[.size] as? Int, size > 0 {
        return true
      }
      _ = ended.wait(timeout: .now() + 0.01)
    }
    return false
  }
}
