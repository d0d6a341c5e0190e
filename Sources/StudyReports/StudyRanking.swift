import Diagnostics
import DisentanglementMetrics
import Experiment
import FileFormats
import Foundation
import RateDecomposition
import StrictConfiguration
import Studies
import TensorCore

/// The unsupervised disentanglement ranking of the runs of a study, a way to choose a model without labels (Duan et al. 2020,
/// arXiv:1905.12614): runs of one setting that differ in nothing but their seeds are compared with each other; see `UDR`.
///
/// It needs the posteriors of the runs (`keep: posteriors`). What was computed once is kept in `udr.json` in the study's
/// folder, for as long as the runs of a setting are the same.
public enum StudyRanking {
  /// The runs of a setting, and their scores.
  private struct Setting: Codable {
    var runs: [String]
    var scores: [RunResult.Score?]
  }

  /// The table with the score `udr` (Spearman's relation) of each run whose setting has two or more runs with posteriors.
  ///
  /// - Throws: `StructuredError` if posteriors cannot be read.
  public static func ranked(_ table: StudyTable, in folder: StudyFolder, on device: Device) throws -> StudyTable {
    let settings = Dictionary(grouping: table.finished.map(\.run).filter { hasPosteriors($0, folder) }) {
      "\($0.variant)\n\($0.strengthLabel)\n\($0.commonLabel)"
    }.values.map { $0.map(\.digest) }.filter { $0.count > 1 }.sorted { $0[0] < $1[0] }
    guard !settings.isEmpty else { return table }
    let cache = PathParts.join(folder.path, "udr.json")
    let known = FileManager.default.contents(atPath: cache).flatMap {
      try? JSONDecoder().decode([Setting].self, from: $0)
    }
    var measured: [Setting] = []
    for runs in settings {
      if let earlier = known?.first(where: { $0.runs == runs && $0.scores.count == runs.count }) {
        measured.append(earlier)
      } else {
        measured.append(Setting(runs: runs, scores: try scores(of: runs, folder, device)))
      }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    // Only time is lost without it, as in a folder that may not be written.
    try? AtomicFile.write(try encoder.encode(measured), to: cache)
    var all: [String: [RunResult.Score]] = [:]
    for setting in measured {
      for (run, score) in zip(setting.runs, setting.scores) { all[run] = [score].compactMap { $0 } }
    }
    return table.adding(all)
  }

  private static func path(_ digest: String, _ folder: StudyFolder) -> String {
    PathParts.join(folder.run(digest), RunFolder.File.posteriors.rawValue)
  }

  private static func hasPosteriors(_ run: PlannedRun, _ folder: StudyFolder) -> Bool {
    FileManager.default.fileExists(atPath: path(run.digest, folder))
  }

  private static func scores(
    of runs: [String], _ folder: StudyFolder, _ device: Device
  ) throws -> [RunResult.Score?] {
    let inputs = try runs.map { digest in
      let path = path(digest, folder), posterior = try PosteriorFile(reading: path).posterior
      // The ranking looks at no factor.
      let codes = try LabeledCodes(
        codes: posterior.means, latents: posterior.latents, factors: [Int32](repeating: 0, count: posterior.count),
        names: ["none"], sizes: [1], location: path)
      return MetricInput(codes: codes, meanKL: PosteriorStatistics(posterior).klPerDimension, device: device)
    }
    let name = UDRRelation.spearman.rawValue
    let settings = try ConfigurationDocument(yaml: "{relations: [\(name)]}", source: "the ranking of a study").decode {
      try UDR.Configuration(from: &$0, preset: .dlib)
    }.value
    let ranking = try (settings.metric() as? any MultiRunMetric)?.compare(
      inputs, labels: runs, stream: RandomStream(seed: 0).split("udr"))
    return runs.map { digest in
      guard let score = ranking?.score("\(name) \(digest)"), let value = score.value else { return nil }
      return RunResult.Score("udr", value, standardError: score.standardError)
    }
  }
}
