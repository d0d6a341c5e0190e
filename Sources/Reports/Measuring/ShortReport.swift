import Experiment
import FactorData
import Foundation
import Logging
import Pages
import RateDecomposition
import TensorCore

extension Report {
  /// Makes the short form, as after training: the exact decomposition of the rate, its findings, and figures of
  /// reconstructions and traversals.
  ///
  /// - Parameters:
  ///   - run: the run.
  ///   - dataset: its data set.
  ///   - device: whose threads work.
  ///   - logger: told what happens next.
  ///   - progress: called now and then with the number of images encoded.
  /// - Throws: `StructuredError` if files of the run are missing or do not fit, or a number is not finite.
  public init(
    shortFormOf run: TrainedRun, on dataset: any FactorDataset, device: Device, logger: Logger = .silent,
    encoded progress: (Int) -> Void = { _ in }
  ) throws {
    let state = try run.state(for: dataset, on: device), settings = run.settings
    let encoded = try EncodedRun(
      run, model: state.model, on: dataset, settings: settings, logger: logger, progress: progress)
    let decomposition = try encoded.decomposition(logger: logger)
    let latents = LatentInformation(
      of: encoded.integrated, samples: settings.report.samples, seed: UInt64(settings.seed))
    let images = try ReportImages(encoded, latents, form: .short)
    var contents = ReportContents(
      form: .short, title: settings.title(on: dataset), run: try Self.facts(run, state, dataset),
      decomposition: decomposition, findings: CollapseFindings(decomposition), latents: latents,
      rateDistortion: try run.rateDistortionPoint(decomposition), pictures: images.facts, figures: [])
    let figures = ReportFigures(contents).all + images.figures
    contents.figures = figures.map(FigureNote.init)
    self.init(contents: contents, figures: figures, encoded: encoded, animation: nil)
  }
}

extension Report {
  /// Whether a run has a report, short or full, with its text, or one of an earlier version.
  ///
  /// - Throws: `StructuredError` if there is one that cannot be read.
  public static func exists(of run: TrainedRun) throws -> Bool {
    guard try RateDecomposition(reportOf: run) != nil else { return false }
    let folder = run.folder.reportFolder, manager = FileManager.default
    return !manager.fileExists(atPath: folder) || manager.fileExists(atPath: folder + "/report.md")
  }
}

extension RateDecomposition {
  /// The decomposition in a run's report, short or full, or in the report of an earlier version; nil if the run has none.
  ///
  /// - Throws: `StructuredError` if there is one that cannot be read.
  public init?(reportOf run: TrainedRun) throws {
    if let contents = try ReportContents.existing(of: run) {
      self = contents.decomposition
    } else if run.folder.contains(.weights), FileManager.default.fileExists(atPath: run.folder.earlierReport) {
      self = try ReportJSON.decode(run.folder.earlierReport)
    } else {
      return nil
    }
  }
}
