import ArgumentParser
import DisentanglementMetrics
import FactorData
import FileFormats
import Foundation
import RateDecomposition
import StrictConfiguration
import TensorCore

/// The boosted trees of DCI, alternating with scikit-learn on the same codes.
struct DCIBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dci", abstract: "Fit DCI's boosted trees, one classifier per factor.",
    discussion: #"disentangle-benchmarks dci --peer "python3 script/peer_sklearn.py" --rounds 1"#)

  @OptionGroup var options: BenchmarkOptions

  @Option(help: "An HDF5 or NPZ file with codes and factors (default: synthetic codes of dSprites).")
  var file: String?

  @Option(help: "The name of the array of codes [N, D] in the file.")
  var codes = "codes"

  @Option(help: "The number of data points, the first ones of the file.")
  var points = 5_000

  func run() throws { try options.report { try Self.measure(read(), $0) } }

  private func read() throws -> LabeledCodes {
    guard let file else { return try SyntheticCodes.codes(points, stream: RandomStream(seed: 0)) }
    let array = try openArrayFile(file), (values, shape) = try array.read(codes, as: Float.self)
    let (factors, factorShape) = try array.read("factors", as: Int.self)
    let all = try LabeledCodes(
      codes: values, latents: shape.last ?? 1, factors: factors.map { Int32(clamping: $0) },
      names: (0..<(factorShape.last ?? 1)).map { "factor \($0)" }, location: file)
    return all.rows(Array(0..<min(points, all.count)))
  }

  /// Measures it and adds its row.
  static func measure(_ codes: LabeledCodes, _ bench: Bench) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("disentangle-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("codes.h5").path, writer = try HDF5Writer()
    try writer.write("codes", codes.codes, shape: [codes.count, codes.latents])
    try writer.write("factors", codes.factors.map { Int($0) }, shape: [codes.count, codes.factorCount])
    try writer.save(to: path)

    let rows = FeatureMatrix(codes)
    var request = Peer.Request(work: "boosting", count: 1)
    request.file = path
    var trees = 0
    func work() throws -> [Double] {
      trees = 0
      return try seconds(1) {
        for factor in codes.varyingFactors {
          let model = try GradientBoosting().fit(
            rows, labels: codes.values(ofFactor: factor), stream: RandomStream(seed: 0).split("factor", factor),
            device: bench.device)
          trees += model.trees.joined().count
        }
      }
    }
    // The peer takes minutes and needs no warm-up, so the rounds are run here.
    _ = try work()
    var row = Row(name: "boosted trees, \(codes.count) points, \(codes.latents) latents", series: Series())
    var compared = Series()
    for _ in 0..<bench.options.rounds {
      if let peer = bench.peer { compared.seconds += try peer.time(request) }
      row.series.seconds += try work()
    }
    row.figures["trees"] = Double(trees)
    if !compared.seconds.isEmpty {
      row.comparisons = [
        Row.Comparison(mode: "scikit-learn", series: compared, ratio: compared.median / row.series.median)
      ]
    }
    bench.add(row)
  }
}

/// All metrics of a run, given codes of dSprites.
struct MetricsBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics",
    abstract: "Compute all metrics of a run from codes, by default with disentanglement_lib's sizes.")

  @OptionGroup var options: BenchmarkOptions

  @Option(help: ArgumentHelp("Which metrics, separated by commas (default: those of evaluate).", valueName: "names"))
  var metrics: String?

  @Option(help: "The preset of sample sizes: dlib, fast, exact.")
  var preset = "dlib"

  func run() throws { try options.report { try Self.measure(metrics, preset, $0) } }

  /// Measures it and adds its row.
  static func measure(_ metrics: String?, _ preset: String, _ bench: Bench) throws {
    let codes = try SyntheticCodes.codes(SyntheticCodes.count, stream: RandomStream(seed: 0))
    let posterior = try PosteriorTable(
      means: codes.codes, logVariances: codes.codes.map { -3 - min(abs($0), 3) }, latents: codes.latents)
    let input = MetricInput(codes: codes, posterior: posterior, device: bench.device)
    let settings = "{preset: \(preset)\(metrics.map { ", metrics: [\($0)]" } ?? "")}"
    let configuration: ResolvedConfiguration<EvaluationConfiguration> =
      try ConfigurationDocument(yaml: settings, source: "the benchmark").decode()
    var parts: [String: Series] = [:]
    var row = Row(name: "metrics, preset \(preset), \(codes.count) codes", series: Series())
    for _ in 0..<bench.options.rounds {
      row.series.seconds += try seconds(1) {
        _ = try Evaluation(configuration, of: input) { metric, time in
          parts[metric, default: Series()].seconds.append(time / .seconds(1))
        }
      }
    }
    for (metric, series) in parts { row.figures["\(metric), seconds"] = series.median }
    bench.add(row)
  }
}

/// Synthetic codes of dSprites: five latents that each follow one factor, with noise, and five latents of noise.
enum SyntheticCodes {
  private static let sizes = DSprites.factors.map(\.size)
  static let count = sizes.reduce(1, *)

  /// The codes of all images, or of `points` random ones.
  static func codes(_ points: Int, stream: RandomStream) throws -> LabeledCodes {
    var stream = stream.split("codes")
    let images = points < count ? stream.distinct(points, below: count) : Array(0..<count)
    var codes: [Float] = [], factors: [Int32] = []
    for image in images {
      var rest = image, values: [Int] = []
      for size in sizes.reversed() {
        values.insert(rest % size, at: 0)
        rest /= size
      }
      let noise = (0..<5).map { _ in stream.normalPair() }
      for k in 0..<5 { codes.append(Float(2 * Double(values[k]) / Double(sizes[k] - 1) - 1 + 0.1 * noise[k].0)) }
      codes += noise.map { Float(0.1 * $0.1) }
      factors += values.map { Int32($0) }
    }
    return try LabeledCodes(
      codes: codes, latents: 10, factors: factors,
      names: DSprites.factors.map(\.name), sizes: sizes, categorical: DSprites.factors.map { $0.kind == .categorical })
  }
}
