import Experiment
import FactorData
import Logging
import Reports

/// Measures a model, showing how far the encoding of all images has come.
func measure(
  _ model: Model, on dataset: any FactorDataset, _ settings: ExperimentConfiguration, pictures: Bool = true,
  _ logger: Logger
) throws -> RunReport {
  let display = ProgressDisplay(total: dataset.count, imagesPerStep: 1, terminal: .standardError())
  let clock = ContinuousClock()
  let start = clock.now
  return try RunReport.measure(model, on: dataset, settings: settings, pictures: pictures, logger: logger) { done in
    let seconds = (clock.now - start) / .seconds(1)
    if display.isDue(at: seconds) || done == dataset.count { display.update(step: done, at: seconds, terms: []) }
    if done == dataset.count { display.finish() }
  }
}
