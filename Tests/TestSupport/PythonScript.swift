import Foundation

/// Short Python programs that read our files back with the field's own libraries.
public enum PythonScript {
  /// Whether `python3` can import these modules.
  public static func has(_ modules: String...) -> Bool {
    (try? run("import \(modules.joined(separator: ", "))"))?.status == 0
  }

  /// Runs a program and returns what it printed.
  public static func run(_ source: String, _ arguments: String...) throws -> (status: Int32, output: String) {
    let process = Process(), pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", source] + arguments
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }
}
