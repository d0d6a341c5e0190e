import Experiment
import FactorData
import Foundation
import Logging
import RateDecomposition
import TensorCore

/// A model with the posteriors of all its data: the input of every measurement of a report.
public struct EncodedRun {
  /// The trained model.
  public let model: Model
  /// What it was trained on.
  public let dataset: any FactorDataset
  /// Its configuration; the section `report` and the seed may differ from those of training.
  public let settings: ExperimentConfiguration
  /// q(z|x) of all N images, with what follows from them in closed form.
  public let integrated: IntegratedPosterior

  /// Reads the posteriors of the whole data set from the run's folder, or encodes it; see `PosteriorCache`.
  ///
  /// - Parameters:
  ///   - run: the run.
  ///   - model: its model.
  ///   - dataset: its data set.
  ///   - settings: its configuration, with what this measurement changes in it.
  ///   - logger: told whether images are encoded.
  ///   - progress: called now and then with the number of images encoded.
  /// - Throws: `StructuredError` if a posterior is not finite, or the run's files or an image cannot be read.
  public init(
    _ run: TrainedRun, model: Model, on dataset: any FactorDataset, settings: ExperimentConfiguration,
    logger: Logger = .silent, progress: (Int) -> Void = { _ in }
  ) throws {
    (self.model, self.dataset, self.settings) = (model, dataset, settings)
    let posterior = try PosteriorCache(of: run, for: dataset).posterior(
      of: dataset, by: model, logger: logger, progress: progress)
    integrated = IntegratedPosterior(posterior, on: model.device)
  }

  /// The posteriors.
  public var posterior: PosteriorTable { integrated.posterior }

  /// The stream of everything that a report draws.
  var stream: RandomStream { settings.stream.split("report") }

  /// `count` images without repetition, in random order; all of them, in order, if there are no more.
  func images(_ count: Int, _ purpose: String) -> [Int] {
    guard count < dataset.count else { return Array(0..<dataset.count) }
    var stream = stream.split(purpose)
    return Array(stream.permutation(of: dataset.count).prefix(count))
  }

  /// The distortion on a sample of the images, and the entropy of the data.
  ///
  /// - Throws: `StructuredError` if an image cannot be read.
  func imageTerms() throws -> ImageTerms {
    let distortions = Estimate(
      meanOf: try model.distortions(
        dataset, images(settings.report.distortionImages, "distortion images"),
        stream: stream.split("distortion noise")))
    return ImageTerms(
      distortion: distortions.value, standardError: distortions.standardError, likelihood: model.likelihood.name,
      likelihoodIsDiscrete: model.likelihood.isDiscrete && dataset.isBinary,
      dataEntropy: try dataset.multiplicities(on: model.device).entropy)
  }

  /// The exact decomposition of the rate.
  ///
  /// - Throws: `StructuredError` for fewer than one sample.
  func decomposition(_ images: ImageTerms) throws -> RateDecomposition {
    var options = RateDecomposition.Options()
    options.samples = settings.report.samples
    options.seed = UInt64(settings.seed)
    options.batchSize = settings.training.batchSize
    return try RateDecomposition(of: integrated, images: images, options: options)
  }

  /// The exact decomposition of the rate, with the distortion and the entropy of the data.
  ///
  /// - Parameter logger: told which of them is measured.
  /// - Throws: `StructuredError` for fewer than one sample.
  public func decomposition(logger: Logger = .silent) throws -> RateDecomposition {
    logger.info("Measuring the distortion and counting identical images …")
    let images = try imageTerms()
    logger.info("Integrating over the aggregate posterior …")
    return try decomposition(images)
  }

  /// q(z|x) of some images, as rows of μ and log σ².
  func means(of images: [Int]) -> [Float] {
    let d = model.latents
    return images.flatMap { posterior.means[$0 * d..<($0 + 1) * d] }
  }
}
