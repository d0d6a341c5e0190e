import ArgumentParser
import Experiment
import FactorData
import RateDecomposition
import TensorCore

/// The measurements of a report other than the decomposition, with their defaults, on as many data points as dSprites.
struct EstimatorBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "estimators", abstract: "The estimators of a report, and the decomposition during training.")

  @OptionGroup var options: BenchmarkOptions

  @Option(help: "The number of latents.")
  var latents = 10

  func run() throws {
    try options.report { bench in
      try Self.measure(latents: latents, on: DSprites(renderedOn: bench.device), bench)
    }
  }

  /// Measures each estimator and adds its row.
  static func measure(latents: Int, on dataset: DSprites, _ bench: Bench) throws {
    let device = bench.device, count = dataset.count
    var stream = RandomStream(seed: 0).split("estimators")
    func normal(_ scale: Float, shift: Float = 0) -> [Float] {
      var values = [Float](repeating: 0, count: count * latents)
      values.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
      return values.map { scale * $0 + shift }
    }
    let table = try PosteriorTable(means: normal(1), logVariances: normal(0.5, shift: -3), latents: latents)
    func row(_ name: String, _ work: () throws -> Void) throws {
      bench.add(try bench.alternate(name, count: 1, request: nil) { try seconds(1, work) })
    }
    try row("integrating \(latents) marginals") { _ = IntegratedPosterior(table, on: device) }
    let posterior = IntegratedPosterior(table, on: device)
    try row("pairwise information, 2,000 samples") { _ = try PairwiseInformation(of: posterior) }
    let labels = dataset.factorLabels()
    try row("factor information, five factors") { _ = try FactorInformation(of: posterior, factors: labels) }
    var few = RateDecomposition.Options()
    few.samples = 100
    let exact = try RateDecomposition(of: posterior, options: few)
    try row("audit of estimators, 32 batches of 64, 256, 1,024") {
      _ = try EstimatorAudit(of: table, exact: exact, on: device)
    }

    let step = StepCase(architecture: "burgess", objective: "beta-tcvae", batch: 64)
    let trainer = try step.trainer(on: dataset, device)
    for _ in 0..<3 { _ = try trainer.advance() }
    try row("marginal likelihood of 4 images, burgess, 5,000 codes each") {
      _ = try MarginalLikelihood(of: trainer.model, on: dataset, images: [1, 2, 3, 4])
    }
    guard let decomposition = TrainingDecomposition(try step.configuration(), dataset: dataset) else { return }
    var steps = Series()
    var measurement = try bench.alternate("decomposition while training", count: 1, request: nil) {
      steps.seconds += try seconds(16) { _ = try trainer.advance() }
      return try seconds(1) { _ = try decomposition.measure(trainer.model) }
    }
    measurement.figures["% of training at batch 64"] =
      100 * measurement.series.median / (steps.median * Double(decomposition.every))
    bench.add(measurement)
  }
}
