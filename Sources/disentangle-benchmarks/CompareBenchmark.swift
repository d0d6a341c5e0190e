import ArgumentParser
import Diagnostics
import Foundation

/// Two builds of this program against each other.
struct CompareBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Alternate two builds of this program, and fail if the new one is slower.",
    discussion: """
      disentangle-benchmarks compare old/disentangle-benchmarks .build/release/disentangle-benchmarks
      disentangle-benchmarks compare OLD NEW --work "step --objective factor-vae" --limit 1.05

      Each round runs OLD and NEW, in turn first. A row's ratio is the median time of NEW divided by that of OLD. Exit code \
      1 if a ratio is above the limit, or a row of OLD is missing in NEW.
      """)

  @Argument(help: "The program to compare with.", completion: .file())
  var old: String

  @Argument(help: "The program that should not be slower.", completion: .file())
  var new: String

  @Option(help: "The benchmark to run, with its options.")
  var work = "step"

  @Option(help: "The number of rounds.")
  var rounds = 5

  @Option(help: "The largest ratio that passes.")
  var limit = 1.03

  func validate() throws {
    if rounds < 1 { throw ValidationError("--rounds must be at least 1, not \(rounds)") }
    if !(limit > 0) { throw ValidationError("--limit must be more than 0, not \(limit)") }
  }

  func run() throws {
    do {
      var times: [[String: [Double]]] = [[:], [:]], names: [String] = []
      for round in 0..<rounds {
        for position in round % 2 == 0 ? [0, 1] : [1, 0] {
          for row in try rows(of: [old, new][position]) {
            if !names.contains(row.name) { names.append(row.name) }
            times[position][row.name, default: []].append(row.series.median)
          }
        }
      }
      var isSlower = false
      for name in names {
        let old = Series(seconds: times[0][name] ?? []).median, new = Series(seconds: times[1][name] ?? []).median
        // A row that the old program does not have cannot be slower; one that is missing in the new one is NaN.
        let ratio = new / old, passes = times[0][name] == nil || ratio <= limit
        isSlower = isSlower || !passes
        printLine(
          "\(name.padded(52)) \(fixed(1000 * old, 2)) → \(fixed(1000 * new, 2)) ms  ratio \(fixed(ratio, 3))"
            + (passes ? "" : "  above \(limit)"))
      }
      if isSlower { throw ExitCode(1) }
    } catch let error as StructuredError {
      FileHandle.standardError.write(Data("error: \(error)\n".utf8))
      throw ExitCode(1)
    }
  }

  private struct Report: Decodable {
    struct Row: Decodable {
      struct Series: Decodable { var median: Double }
      var name: String
      var series: Series
    }
    var rows: [Row]
  }

  private func rows(of program: String) throws -> [Report.Row] {
    let process = Process(), output = Pipe()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = work.split(separator: " ").map(String.init) + ["--rounds", "1", "--json"]
    process.standardOutput = output
    do { try process.run() } catch {
      throw StructuredError("this program cannot be run", at: program, expected: "an executable disentangle-benchmarks")
    }
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0, let report = try? JSONDecoder().decode(Report.self, from: data) else {
      throw StructuredError(
        "\(work) has no result", at: program, expected: "a benchmark of disentangle-benchmarks that takes --json")
    }
    return report.rows
  }
}
