import Experiment
import FactorData
import RateDecomposition
import Reports
import TensorCore

/// Makes the short report of a run and writes it into the run's folder, showing how far encoding has come.
///
/// - Throws: `StructuredError` as ``Report/init(shortFormOf:on:device:logger:encoded:)`` and ``Report/write(to:)``.
func writeShortReport(
  of path: String, _ components: Components, on dataset: any FactorDataset, device: Device,
  _ computing: ComputingOptions
) throws -> Report {
  let run = try TrainedRun(at: path, components: components, on: device)
  let report = try Report(
    shortFormOf: run, on: dataset, device: device, logger: computing.logger,
    encoded: computing.progress(of: dataset.count))
  try report.write(to: run.folder.reportFolder)
  return report
}

/// The posteriors of a run, showing how far encoding has come.
///
/// - Throws: `StructuredError` if files of the run are missing or do not fit.
func encode(
  _ run: TrainedRun, _ settings: ExperimentConfiguration, device: Device, _ computing: ComputingOptions
) throws -> EncodedRun {
  let dataset = try settings.dataset.open(on: device)
  return try EncodedRun(
    run, model: run.model(for: dataset, on: device), on: dataset, settings: settings, logger: computing.logger,
    progress: computing.progress(of: dataset.count))
}

/// Makes a full report, showing which stage has come how far.
func measureReport(
  _ run: TrainedRun, _ options: ReportOptions, on device: Device, _ computing: ComputingOptions,
  naming label: String = ""
) throws -> Report {
  // Posteriors are encoded or read: one stage.
  let stages = ReportStage.allCases.filter { $0 != .reading && ($0 != .metrics || options.metrics != nil) }
  let display = StageDisplay(total: stages.count, terminal: computing.terminal)
  defer { display.finish() }
  let clock = ContinuousClock()
  let start = clock.now
  // The stages say what is done; the log only what went wrong.
  var logger = computing.logger
  logger.logLevel = max(logger.logLevel, .warning)
  return try Report(run, options: options, on: device, logger: logger) { stage, fraction in
    display.update(
      stage: (stages.firstIndex(of: stage) ?? 0) + 1, name: label + stage.rawValue, fraction: fraction,
      at: (clock.now - start) / .seconds(1))
  }
}
