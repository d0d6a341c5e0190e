import ArgumentParser
import RateDecomposition
import TensorCore

/// log q(z) under the exact aggregate posterior of a whole data set.
struct PosteriorBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "posterior", abstract: "Compute densities under the exact aggregate posterior.")

  @OptionGroup var options: BenchmarkOptions

  @Option(help: "The number of components.")
  var components = 737_280

  func run() throws {
    try options.report { bench in try Self.measure(components: components, bench) }
  }

  /// Measures the joint density, and the joint density with the marginals.
  static func measure(components: Int, _ bench: Bench) throws {
    let latents = 10, samples = 200, peerSamples = 4
    var stream = RandomStream(seed: 0).split("posterior")
    func normal(_ count: Int, shift: Float = 0) -> [Float] {
      var values = [Float](repeating: 0, count: count)
      values.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
      return values.map { $0 + shift }
    }
    let table = try PosteriorTable(
      means: normal(components * latents), logVariances: normal(components * latents, shift: -3), latents: latents)
    let posterior = AggregatePosterior(table, on: bench.device)
    let codes = posterior.samples(samples, from: stream).codes
    for marginals in [false, true] {
      var request = Peer.Request(work: "posterior", components: components, samples: peerSamples)
      request.marginals = marginals
      var row = try bench.alternate(
        "aggregate posterior, a sample, \(marginals ? "joint and marginals" : "joint")", count: 1, request: request,
        modes: ["eager", "jax"]
      ) {
        seconds(1) { _ = posterior.logDensities(of: codes, marginals: marginals) }.map { $0 / Double(samples) }
      }
      row.figures["G terms/s"] = Double(components * latents) / row.series.median * 1e-9
      bench.add(row)
    }
  }
}
