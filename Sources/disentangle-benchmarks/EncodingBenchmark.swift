import ArgumentParser
import FactorData
import TensorCore

/// Encoding images, the first step of every report and metric.
struct EncodingBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode", abstract: "Encode images; the time for all images is extrapolated.")

  @OptionGroup var options: BenchmarkOptions

  @Option(help: "The architecture.")
  var architecture = "burgess"

  @Flag(help: "Encode noise instead of dSprites, whose images are mostly blank.")
  var noise = false

  @Option(help: "The number of batches of 256 images in a round.")
  var batches = 8

  func run() throws {
    try options.report { bench in
      let dataset: any FactorDataset = noise ? try NoiseImages() : try DSprites(renderedOn: bench.device)
      try Self.measure(architecture, batches: batches, on: dataset, bench)
    }
  }

  /// Measures one architecture and adds its row.
  static func measure(_ architecture: String, batches: Int, on dataset: any FactorDataset, _ bench: Bench) throws {
    let model = try StepCase(architecture: architecture, objective: "vae", batch: 64)
      .trainer(on: dataset, bench.device).model
    let size = 256
    var stream = RandomStream(seed: 0)
    let indices = (0..<size * batches).map { _ in stream.integer(below: dataset.count) }
    let noise = dataset is NoiseImages
    var row = try bench.alternate(
      "encode, \(architecture), 256 images\(noise ? ", noise" : "")", count: batches,
      request: Peer.Request(work: "encode", architecture: architecture, batch: size)
    ) {
      try seconds(1) { _ = try model.encode(dataset, indices) }.map { $0 / Double(batches) }
    }
    if !noise {
      row.figures["all \(dataset.count) images, s"] = row.series.median * Double(dataset.count) / Double(size)
    }
    bench.add(row)
  }
}
