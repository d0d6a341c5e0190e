import ArgumentParser
import Diagnostics
import Foundation
import TensorCore

/// The benchmarks' command line.
@main
struct Benchmarks: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "disentangle-benchmarks",
    abstract: "Measure the speed of this package, alternating with a peer that does the same work.",
    discussion: """
      disentangle-benchmarks step --peer "python3 script/peer_pytorch.py"
      disentangle-benchmarks all --peer "python3 script/peer_pytorch.py" --json
      """,
    subcommands: [
      StepBenchmark.self, ShapesBenchmark.self, EncodingBenchmark.self, AnnealingBenchmark.self,
      PosteriorBenchmark.self,
      EstimatorBenchmark.self, DCIBenchmark.self, MetricsBenchmark.self, RenderBenchmark.self, LoadBenchmark.self,
      ThreadsBenchmark.self, SteadyBenchmark.self, AllBenchmarks.self, CompareBenchmark.self,
      IsolatedBenchmark.self,
    ])

  static func main() {
    OpenBLASChoice.restartIfUnsuitable()
    main(nil)
  }
}

/// The options of every benchmark.
struct BenchmarkOptions: ParsableArguments {
  @Option(help: "The peer's command; without one, rows have no ratio.")
  var peer: String?

  @Option(help: ArgumentHelp("A mode of the peer: eager, channels-last, compile (repeatable).", valueName: "mode"))
  var mode: [String] = ["eager", "channels-last"]

  @Option(help: "The number of rounds that alternate with the peer.")
  var rounds = 7

  @Option(help: "The number of threads (default: one per core).")
  var threads: Int?

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(help: "Print a Markdown table.")
  var markdown = false

  /// Whether rows are printed at the end, in a format for others.
  var printsReport: Bool { json || markdown }

  func validate() throws {
    if json && markdown { throw ValidationError("--json and --markdown are two formats; choose one") }
    if rounds < 1 { throw ValidationError("--rounds must be at least 1, not \(rounds)") }
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads must be from 1 to 1024, not \(threads)")
    }
  }

  /// Runs a benchmark and prints its rows.
  func report(_ measure: (Bench) throws -> Void) throws {
    do {
      let bench = try Bench(self)
      try measure(bench)
      bench.finish()
    } catch let error as StructuredError {
      FileHandle.standardError.write(Data("error: \(error)\n".utf8))
      throw ExitCode(1)
    }
  }
}
