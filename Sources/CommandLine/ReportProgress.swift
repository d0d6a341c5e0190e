import Experiment
import FactorData
import Logging
import RateDecomposition
import Reports
import TensorCore

/// Measures a model, showing how far the encoding of all images has come.
func measureRun(
  _ model: Model, on dataset: any FactorDataset, _ settings: ExperimentConfiguration, pictures: Bool = true,
  _ logger: Logger
) throws -> RunReport {
  try RunReport.measure(
    model, on: dataset, settings: settings, pictures: pictures, logger: logger,
    encoded: imagesProgress(of: dataset.count))
}

/// The posteriors of all images, showing how far encoding has come.
///
/// - Throws: `StructuredError` if an image cannot be read or a posterior is not finite.
func encode(_ dataset: any FactorDataset, by model: Model, _ logger: Logger) throws -> PosteriorTable {
  logger.info("Encoding all \(dataset.count) images …")
  let codes = try model.encode(dataset, 0..<dataset.count, progress: imagesProgress(of: dataset.count))
  return try PosteriorTable(
    means: codes.mean, logVariances: codes.logVariance, latents: model.latents, location: "the model's posteriors")
}

/// A progress line on standard error, told the number of images done.
func imagesProgress(of count: Int) -> (Int) -> Void {
  let display = ProgressDisplay(total: count, imagesPerStep: 1, terminal: .standardError())
  let clock = ContinuousClock()
  let start = clock.now
  return { done in
    let seconds = (clock.now - start) / .seconds(1)
    if display.isDue(at: seconds) || done == count { display.update(step: done, at: seconds, terms: []) }
    if done == count { display.finish() }
  }
}

/// Measures a whole report, showing which stage has come how far.
func measureReport(_ run: TrainedRun, _ options: ReportOptions, on device: Device, naming label: String = "") throws
  -> Report
{
  let stages = ReportStage.allCases.filter { $0 != .metrics || options.metrics != nil }
  let display = StageDisplay(total: stages.count, terminal: .standardError())
  defer { display.finish() }
  let clock = ContinuousClock()
  let start = clock.now
  return try Report(run, options: options, on: device) { stage, fraction in
    display.update(
      stage: (stages.firstIndex(of: stage) ?? 0) + 1, name: label + stage.rawValue, fraction: fraction,
      at: (clock.now - start) / .seconds(1))
  }
}
