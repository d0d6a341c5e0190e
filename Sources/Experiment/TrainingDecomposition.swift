import FactorData
import RateDecomposition

/// The exact decomposition of the rate over a fixed part of the data, measured every so many steps while training goes
/// on, so that curves of its three terms are of the terms themselves and not of minibatch estimates.
///
/// Exact means: for the aggregate posterior of these images. I(x; z) tells them apart and is at most the logarithm of
/// their number; where it comes near that, it would be larger over more images, and the total correlation smaller. Images,
/// samples and noise are the same every time, and a function of the seed: a resumed run logs what an undisturbed one
/// does.
public struct TrainingDecomposition {
  /// The images, ascending.
  public let indices: [Int]
  /// Steps between measurements.
  public let every: Int

  private let dataset: any FactorDataset
  private let options: RateDecomposition.Options

  /// Chooses the images; nil if the configuration wants no measurements.
  public init?(_ configuration: ExperimentConfiguration, dataset: any FactorDataset) {
    guard configuration.training.decomposeEvery > 0 else { return nil }
    every = configuration.training.decomposeEvery
    self.dataset = dataset
    var stream = configuration.stream.split("training decomposition")
    indices = stream.distinct(min(configuration.training.decomposeImages, dataset.count), below: dataset.count).sorted()
    var options = RateDecomposition.Options()
    options.samples = 2_000
    options.seed = UInt64(configuration.seed)
    options.batches = 0
    self.options = options
  }

  /// Whether a measurement is due after so many steps.
  public func isDue(after step: Int) -> Bool { step % every == 0 }

  /// The terms by the names that they have in `metrics.jsonl`, in nats, each with its standard error unless it has none.
  ///
  /// - Throws: `StructuredError` if an image cannot be read or the posterior is not finite.
  public func measure(_ model: Model) throws -> [EventLog.Row.Value] {
    let posterior = try model.posterior(of: dataset, indices)
    let result = try RateDecomposition(of: posterior, options: options, on: model.device)
    func values(_ name: String, _ value: Double, _ standardError: Double?) -> [EventLog.Row.Value] {
      [.init(name, value)] + (standardError.flatMap { $0 > 0 ? [.init(name + "_standard_error", $0)] : nil } ?? [])
    }
    return [
      .init("decomposition_images", Double(indices.count)), .init("decomposition_samples", Double(result.samples)),
      .init("rate_exact", result.rate),
    ]
      + values("mutual_information_exact", result.mutualInformation.value, result.mutualInformation.standardError)
      + values("total_correlation_exact", result.totalCorrelation.value, result.totalCorrelation.standardError)
      + values("dimension_wise_kl_exact", result.dimensionWiseKL.value, result.dimensionWiseKL.standardError)
      + [.init("active_units_exact", Double(result.activeUnits))]
  }
}
