import Experiment
import FactorData
import Logging
import Reports
import TensorCore

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

/// Measures a whole report, showing which stage has come how far.
func measureReport(_ run: TrainedRun, _ options: ReportOptions, on device: Device, naming label: String = "") throws -> Report {
  let stages = ReportStage.allCases
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
