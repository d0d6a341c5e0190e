import Experiment
import FactorData
import Foundation
import RateDecomposition
import TensorCore

/// A model with the posteriors of all its data: what every measurement begins with.
public struct EncodedRun {
  /// The trained model.
  public let model: Model
  /// What it was trained on.
  public let dataset: any FactorDataset
  /// Its configuration; the section `report` and the seed may differ from those of training.
  public let settings: ExperimentConfiguration
  /// q(z|x) of all N images, with what follows from them in closed form.
  public let integrated: IntegratedPosterior

  /// Encodes the whole data set.
  ///
  /// - Parameters:
  ///   - model: the model.
  ///   - dataset: the images.
  ///   - settings: its configuration.
  ///   - progress: called now and then with the number of images encoded.
  /// - Throws: `StructuredError` if an image cannot be read or a posterior is not finite.
  public init(
    _ model: Model, on dataset: any FactorDataset, settings: ExperimentConfiguration, progress: (Int) -> Void = { _ in }
  ) throws {
    (self.model, self.dataset, self.settings) = (model, dataset, settings)
    let codes = try model.encode(dataset, 0..<dataset.count, progress: progress)
    let posterior = try PosteriorTable(
      means: codes.mean, logVariances: codes.logVariance, latents: model.latents, location: "the model's posteriors")
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

  /// q(z|x) of some images, as rows of μ and log σ².
  func means(of images: [Int]) -> [Float] {
    let d = model.latents
    return images.flatMap { posterior.means[$0 * d..<($0 + 1) * d] }
  }
}
