import Experiment
import FactorData
import Figures
import Foundation
import Logging
import RateDecomposition

/// The short form of a report, made when training ends: the exact decomposition of the rate, and two pictures.
public struct RunReport {
  /// The decomposition.
  public let decomposition: RateDecomposition
  private let pictures: [(RunFolder.File, Figure)]
  private let title: String

  /// Measures a model on the whole data set.
  ///
  /// - Parameters:
  ///   - model: the trained model.
  ///   - dataset: all of its images are encoded.
  ///   - settings: samples, seed, batch size.
  ///   - hasPictures: whether pictures are made.
  ///   - logger: told what happens next.
  ///   - encoded: called now and then with the number of images encoded, which takes the longest.
  /// - Throws: `StructuredError` if the posterior is not finite.
  public static func measure(
    _ model: Model, on dataset: any FactorDataset, settings: ExperimentConfiguration, pictures hasPictures: Bool = true,
    logger: Logger = .silent, encoded: (Int) -> Void = { _ in }
  ) throws -> RunReport {
    logger.info("Encoding all \(dataset.count) images …")
    let run = try EncodedRun(model, on: dataset, settings: settings, progress: encoded)
    logger.info("Measuring the distortion and counting identical images …")
    let images = try run.imageTerms()
    logger.info("Integrating over the aggregate posterior …")
    let decomposition = try run.decomposition(images)
    guard hasPictures else {
      return RunReport(decomposition: decomposition, pictures: [], title: settings.title(on: dataset))
    }
    let figures = try ReportPictures(run, LatentInformation(of: run.integrated)).figures
    let chosen: [(RunFolder.File, String)] = [
      (.reconstructions, "reconstructions"), (.traversals, "traversals-posterior"),
    ]
    return RunReport(
      decomposition: decomposition,
      pictures: chosen.flatMap { file, name in figures.filter { $0.name == name }.map { (file, $0) } },
      title: settings.title(on: dataset))
  }

  /// The report for a terminal.
  public var text: String { title + "\n\n" + DecompositionTable(decomposition).text(.terminal) }

  /// Writes report.json, report.md and the pictures into a run's folder.
  ///
  /// - Throws: `StructuredError` if a file cannot be written.
  public func write(into folder: RunFolder) throws {
    try folder.write(Data((try decomposition.json() + "\n").utf8), as: .report)
    var markdown = "# \(title)\n\n" + DecompositionTable(decomposition).text(.markdown)
    for (file, figure) in pictures {
      markdown += "\n## \(figure.title)\n\n![\(figure.title)](\(file.rawValue))\n\n\(figure.caption)\n"
    }
    try folder.write(Data(markdown.utf8), as: .readableReport)
    for (file, figure) in pictures { try folder.write(try figure.png(), as: file) }
  }
}

extension RateDecomposition {
  /// The decomposition in a run's short report.
  ///
  /// - Throws: `StructuredError` if there is none, or it cannot be understood.
  public init(reading folder: RunFolder) throws { self = try ReportJSON.decode(folder.path(of: .report)) }
}
