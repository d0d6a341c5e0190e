import Experiment
import FactorData
import FileFormats
import Foundation
import Logging
import RateDecomposition
import TensorCore

/// What is measured when training ends: the exact decomposition of the rate, and two pictures.
public struct RunReport {
  /// The decomposition.
  public let decomposition: RateDecomposition
  /// Originals above reconstructions.
  public let reconstructions: ReconstructionsPicture?
  /// Latents sorted by KL, one row each.
  public let traversals: TraversalsPicture?
  private let title: String

  /// Measures a model on the whole data set.
  ///
  /// - Parameters:
  ///   - model: the trained model.
  ///   - dataset: all of its images are encoded.
  ///   - settings: samples, seed, batch size.
  ///   - pictures: whether pictures are made.
  ///   - logger: told what happens next.
  ///   - encoded: called now and then with the number of images encoded, which takes the longest.
  /// - Throws: ``StructuredError`` if the posterior is not finite.
  public static func measure(
    _ model: Model, on dataset: any FactorDataset, settings: ExperimentConfiguration, pictures: Bool = true,
    logger: Logger = .silent, encoded: (Int) -> Void = { _ in }
  ) throws -> RunReport {
    let stream = settings.stream.split("report")
    logger.info("Encoding all \(dataset.count) images …")
    let codes = model.encode(dataset, 0..<dataset.count, progress: encoded)
    let posterior = try PosteriorTable(
      means: codes.mean, logVariances: codes.logVariance, latents: model.latents, location: "the model's posteriors")
    logger.info("Measuring the distortion …")
    let sample = Self.sample(settings.report.distortionImages, of: dataset.count, stream.split("distortion images"))
    let distortions = Estimate(
      meanOf: model.distortions(dataset, sample, stream: stream.split("distortion noise")))
    logger.info("Counting identical images …")
    let multiplicities = dataset.multiplicities(on: model.device)
    logger.info("Integrating over the aggregate posterior …")
    var options = RateDecomposition.Options()
    options.samples = settings.report.samples
    options.seed = UInt64(settings.seed)
    options.batchSize = settings.training.batchSize
    let decomposition = try RateDecomposition(
      of: posterior,
      images: ImageTerms(
        distortion: distortions.value, standardError: distortions.standardError, likelihood: model.likelihood.name,
        likelihoodIsDiscrete: model.likelihood.isDiscrete && dataset.isBinary, dataEntropy: multiplicities.entropy),
      options: options, on: model.device)
    let title = settings.title(on: dataset)
    guard pictures else {
      return RunReport(decomposition: decomposition, reconstructions: nil, traversals: nil, title: title)
    }
    return RunReport(
      decomposition: decomposition,
      reconstructions: try Self.reconstructions(model, dataset, posterior, stream.split("pictures")),
      traversals: try Self.traversals(model, posterior, decomposition.klPerDimension), title: title)
  }

  /// `count` of `total` images without repetition; all of them, in order, if there are no more.
  private static func sample(_ count: Int, of total: Int, _ stream: RandomStream) -> [Int] {
    guard count < total else { return Array(0..<total) }
    var stream = stream
    return Array(stream.permutation(of: total).prefix(count))
  }

  private static func reconstructions(
    _ model: Model, _ dataset: any FactorDataset, _ posterior: PosteriorTable, _ stream: RandomStream
  ) throws -> ReconstructionsPicture {
    let chosen = sample(10, of: dataset.count, stream)
    let codes = chosen.flatMap { n in posterior.means[n * model.latents..<(n + 1) * model.latents] }
    return try ReconstructionsPicture(
      data: try ImageStack(dataset.batch(chosen, on: model.device).elements, count: chosen.count, model.image),
      reconstructions: try ImageStack(model.decode(codes), count: chosen.count, model.image))
  }

  private static func traversals(
    _ model: Model, _ posterior: PosteriorTable, _ kl: [Double]
  ) throws -> TraversalsPicture {
    let values = (0..<9).map { -2 + 0.5 * Double($0) }
    let order = kl.indices.sorted { (kl[$0], $1) > (kl[$1], $0) }.prefix(16)
    let rows = try order.map { latent in
      // From the mean of the first image's posterior, so that the other latents show a real image's code.
      let base = Array(posterior.means.prefix(model.latents))
      let codes = values.flatMap { value in
        var code = base
        code[latent] = Float(value)
        return code
      }
      return TraversalsPicture.Row(
        latent: latent, kl: kl[latent],
        images: try ImageStack(model.decode(codes), count: values.count, model.image))
    }
    return try TraversalsPicture(rows: rows, columnLabels: TraversalsPicture.labels(for: values))
  }

  /// The report for a terminal.
  public var text: String { title + "\n\n" + DecompositionTable(decomposition).text(.terminal) }

  /// Writes report.json, report.md and the pictures into a run's folder.
  ///
  /// - Throws: ``StructuredError`` if a file cannot be written.
  public func write(into folder: RunFolder) throws {
    try folder.write(Data((try decomposition.json() + "\n").utf8), as: .report)
    var markdown = "# \(title)\n\n" + DecompositionTable(decomposition).text(.markdown)
    if reconstructions != nil {
      markdown += "\n## Reconstructions\n\n![Originals above reconstructions](reconstructions.png)\n"
    }
    if traversals != nil { markdown += "\n## Traversals\n\n![Latents sorted by KL](traversals.png)\n" }
    try folder.write(Data(markdown.utf8), as: .readableReport)
    try reconstructions?.write(to: folder.path(of: .reconstructions))
    try traversals?.write(to: folder.path(of: .traversals))
  }
}

extension ImageStack {
  fileprivate init(_ values: [Float], count: Int, _ image: ImageShape) throws {
    try self.init(values, count: count, height: image.height, width: image.width, channels: image.channels)
  }
}
