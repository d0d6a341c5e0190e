import ArgumentParser
import Autodiff
import Experiment
import FactorData
import StrictConfiguration
import TensorCore

/// Complete training steps: drawing and unpacking the batch, noise, forward and backward pass, update.
struct StepBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "step", abstract: "Training steps.")

  @OptionGroup var options: BenchmarkOptions

  @Option(help: "The architecture.")
  var architecture = "burgess"

  @Option(help: "The objective.")
  var objective = "beta-tcvae"

  @Option(help: "The batch size.")
  var batch = 64

  @Flag(help: "Train on noise instead of dSprites, whose images are mostly blank.")
  var noise = false

  @Flag(help: "Also print the time of each phase of a step.")
  var profile = false

  @Flag(
    help: ArgumentHelp(
      "Print how a step is divided among 1 to 64 threads.",
      discussion: "All parts are computed one after the other; how many processors there are does not matter."))
  var scalingModel = false

  func validate() throws {
    if scalingModel && (options.peer != nil || options.threads != nil || options.printsReport || profile) {
      throw ValidationError(
        "--scaling-model goes with --architecture, --objective, --batch, --noise and --rounds only")
    }
  }

  func run() throws {
    if scalingModel { return try ScalingModel(of: self).print() }
    try options.report { bench in
      let dataset: any FactorDataset = noise ? try NoiseImages() : try DSprites(renderedOn: bench.device)
      try Self.measure(
        StepCase(architecture: architecture, objective: objective, batch: batch), on: dataset, profile: profile, bench)
    }
  }

  /// Measures one case and adds its row.
  static func measure(
    _ step: StepCase, on dataset: any FactorDataset, profile: Bool = false, _ bench: Bench
  ) throws {
    let trainer = try step.trainer(on: dataset, bench.device)
    let count = step.objective == "factor-vae" || step.batch > 64 ? 8 : 16
    for _ in 0..<3 { _ = try trainer.advance() }
    let before = bench.device.pool.statistics.misses
    let request = Peer.Request(
      work: "step", architecture: step.architecture, objective: step.objective, batch: step.batch)
    var row = try bench.alternate(
      dataset is NoiseImages ? "\(step.name), noise" : step.name, count: count, request: request
    ) {
      try seconds(count) { _ = try trainer.advance() }
    }
    row.figures["pool misses"] = Double(bench.device.pool.statistics.misses - before)
    let counted = StepProfile()
    trainer.profile = counted
    for _ in 0..<20 { _ = try trainer.advance() }
    row.operations = counted.operations / Double(counted.steps)
    bench.add(row)
    if profile && !bench.options.json { printLine(counted.table(peak: bench.peak)) }
  }
}

/// A training step to measure.
struct StepCase {
  var architecture: String
  var objective: String
  var batch: Int

  /// The reference step.
  static let first = StepCase(architecture: "burgess", objective: "beta-tcvae", batch: 64)

  /// The steps of the benchmark `all`.
  static let all = [
    first,
    StepCase(architecture: "burgess", objective: "beta-tcvae", batch: 256),
    StepCase(architecture: "locatello", objective: "beta-tcvae", batch: 64),
    StepCase(architecture: "burgess", objective: "factor-vae", batch: 64),
    StepCase(architecture: "locatello", objective: "factor-vae", batch: 64),
    StepCase(architecture: "fully-connected", objective: "vae", batch: 64),
  ]

  var name: String { "step, \(architecture), \(objective), batch \(batch)" }

  func configuration() throws -> ExperimentConfiguration {
    let yaml = """
      name: benchmark
      model: {architecture: \(architecture), initializer: kaiming-uniform}
      objective: {name: \(objective)}
      training: {steps: 1000000, batch_size: \(batch)}
      """
    return try ConfigurationDocument(yaml: yaml, source: "benchmark").decode(ExperimentConfiguration.self).value
  }

  func trainer(on dataset: any FactorDataset, _ device: Device) throws -> Trainer {
    try Trainer(configuration(), dataset: dataset, on: device)
  }
}

/// The seconds of each of `count` repetitions.
func seconds(_ count: Int, _ work: () throws -> Void) rethrows -> [Double] {
  let clock = ContinuousClock()
  return try (0..<count).map { _ in try clock.measure(work) / .seconds(1) }
}
