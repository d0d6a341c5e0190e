import ArgumentParser
import FactorData
import RateDecomposition
import TensorCore

/// Chains of annealed importance sampling over a decoder.
struct AnnealingBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "anneal", abstract: "Anneal chains of codes from the prior to the posterior, two leapfrog steps each.")

  @OptionGroup var options: BenchmarkOptions

  @Option(help: "The architecture.")
  var architecture = "burgess"

  @Option(help: "The number of distributions in a round.")
  var distributions = 20

  func run() throws {
    try options.report { try Self.measure(architecture, distributions: distributions, $0) }
  }

  /// Measures one architecture and adds its row: the time for all distributions with 16 chains of 16 images.
  static func measure(_ architecture: String, distributions: Int, _ bench: Bench) throws {
    let dataset = try NoiseImages(), images = 16, chains = 16
    let model = try StepCase(architecture: architecture, objective: "vae", batch: 64)
      .trainer(on: dataset, bench.device).model
    let zeros = [Float](repeating: 0, count: images * model.latents)
    let sampler = AnnealedImportanceSampling(
      Array(0..<images),
      along: AnnealingPath(
        from: nil, widths: try PosteriorTable(means: zeros, logVariances: zeros, latents: model.latents)),
      options: .init(chains: chains, distributions: distributions, leapfrogSteps: 2), stream: RandomStream(seed: 0),
      model.codeLikelihood(of: try dataset.batch(Array(0..<images), on: bench.device)))
    var tuning = sampler.untuned()
    tuning.stepSizes = (1..<distributions).map { _ in [Double](repeating: 0.1, count: images) }
    bench.add(
      try bench.alternate(
        "anneal, \(architecture), \(images * chains) chains", count: 1,
        request: Peer.Request(
          work: "anneal", architecture: architecture, batch: images * chains, samples: distributions)
      ) { try seconds(1) { _ = try sampler.run(tuning) } })
  }
}
