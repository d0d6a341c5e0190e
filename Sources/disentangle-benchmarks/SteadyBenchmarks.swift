import ArgumentParser
import FactorData
import TensorCore

/// A training step on one thread and on all threads.
struct ThreadsBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "threads", abstract: "Training steps on one thread and on all threads.")

  @OptionGroup var options: BenchmarkOptions

  func run() throws {
    try options.report { try Self.measure(on: DSprites(renderedOn: $0.device), $0) }
  }

  /// Measures it, in alternation, and adds its row.
  static func measure(on dataset: DSprites, _ bench: Bench) throws {
    let step = StepCase.first
    let one = try step.trainer(on: dataset, Device(threads: 1, level: bench.device.level))
    let all = try step.trainer(on: dataset, bench.device)
    var single = Series()
    for _ in 0..<3 { _ = try one.advance() }
    var row = try bench.alternate("\(step.name), \(bench.device.threads) threads", count: 8, request: nil) {
      single.seconds += try seconds(8) { _ = try one.advance() }
      return try seconds(8) { _ = try all.advance() }
    }
    row.comparisons = [Row.Comparison(mode: "one thread", series: single, ratio: single.median / row.series.median)]
    bench.add(row)
  }
}

/// Many training steps, which must not increase memory.
struct SteadyBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "steady", abstract: "Pool misses and memory over many training steps.")

  @OptionGroup var options: BenchmarkOptions

  @Option(help: "The number of steps after ten steps of warm-up.")
  var steps = 10_000

  func run() throws { try options.report { try Self.measure(steps: steps, $0) } }

  /// Measures it, in a process of its own, and adds its row.
  static func measure(steps: Int, _ bench: Bench) throws {
    let result = try IsolatedBenchmark.run(["train", "\(steps)"], threads: bench.device.threads)
    bench.add(
      Row(
        name: "\(StepCase.first.name), \(steps) steps", series: Series(seconds: result.seconds), figures: result.figures
      ))
  }
}

/// All benchmarks except `estimators`, `dci` and `metrics`.
struct AllBenchmarks: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "all", abstract: "All benchmarks except estimators, dci and metrics.")

  @OptionGroup var options: BenchmarkOptions

  @Option(help: "A file for the benchmark `load` (repeatable).")
  var file: [String] = []

  @Option(help: "The number of steps of the benchmark `steady`.")
  var steadySteps = 1_000

  func run() throws {
    try options.report { bench in
      try RenderBenchmark.measure(bench)
      let dataset = try DSprites(renderedOn: bench.device)
      for step in StepCase.all { try StepBenchmark.measure(step, on: dataset, bench) }
      try StepBenchmark.measure(.first, on: NoiseImages(), bench)
      for network in ShapesNetwork.all { try ShapesBenchmark.measure(network, bench) }
      try EncodingBenchmark.measure("burgess", batches: 8, on: dataset, bench)
      try EncodingBenchmark.measure("burgess", batches: 8, on: NoiseImages(), bench)
      try ThreadsBenchmark.measure(on: dataset, bench)
      try SteadyBenchmark.measure(steps: steadySteps, bench)
      try PosteriorBenchmark.measure(components: 737_280, bench)
      try LoadBenchmark.measure(files: file, bench)
    }
  }
}
