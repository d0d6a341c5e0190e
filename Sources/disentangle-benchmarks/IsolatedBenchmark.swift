import ArgumentParser
import Diagnostics
import FactorData
import Foundation
import TensorCore

/// One task in a process of its own, for rows that report memory. Prints its measurements as JSON.
struct IsolatedBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "isolated", abstract: "Run one task and measure its memory.", shouldDisplay: false)

  @Argument(help: "render, load FILE, or train STEPS.")
  var work: [String]

  @Option(help: "The number of threads.")
  var threads: Int

  /// The measurements of a process.
  struct Result: Codable {
    /// Durations.
    var seconds: [Double]
    /// Further figures.
    var figures: [String: Double]
  }

  func run() throws {
    let device = Device(threads: threads)
    var result = Result(seconds: [], figures: [:])
    switch (work.first, work.dropFirst().first) {
    case ("render", nil): result.seconds = try seconds(1) { _ = try DSprites(renderedOn: device) }
    case ("load", let path?): result.seconds = try seconds(1) { _ = try DSprites(file: path, on: device) }
    case ("train", let steps?): result = try train(Int(steps) ?? 1, on: device)
    default: throw ValidationError("unknown task: \(work.joined(separator: " "))")
    }
    result.figures["peak memory of the process, MB"] = Double(peakMemory()) * 1e-6
    result.figures["of that, code mapped from files, MB"] = Double(mappedMemory()) * 1e-6
    printLine(String(decoding: try JSONEncoder().encode(result), as: UTF8.self))
  }

  private func train(_ steps: Int, on device: Device) throws -> Result {
    let dataset = try DSprites(renderedOn: device)
    let trainer = try StepCase.first.trainer(on: dataset, device)
    for _ in 0..<10 { _ = try trainer.advance() }
    let misses = device.pool.statistics.misses, memory = residentMemory()
    let durations = try seconds(steps) { _ = try trainer.advance() }
    let figures = [
      "pool misses": Double(device.pool.statistics.misses - misses),
      "growth of memory, MB": Double(residentMemory() - memory) * 1e-6,
    ]
    return Result(seconds: durations, figures: figures)
  }

  /// Runs a task in a new process of this program.
  ///
  /// - Throws: `StructuredError` with the message of the process if it fails.
  static func run(_ work: [String], threads: Int) throws -> Result {
    let process = Process(), output = Pipe(), problems = Pipe()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = ["isolated"] + work + ["--threads", "\(threads)"]
    process.standardOutput = output
    process.standardError = problems
    try process.run()
    let answer = output.fileHandleForReading.readDataToEndOfFile()
    let message = problems.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw StructuredError(
        String(decoding: message, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines),
        at: work.joined(separator: " "))
    }
    return try JSONDecoder().decode(Result.self, from: answer)
  }
}
