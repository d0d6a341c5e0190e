import Diagnostics
import Experiment
import FileFormats
import Foundation
import StrictConfiguration

/// Runs that were finished in other folders: of other studies, or by `disentangle train`. A run of a study whose digest is
/// among them is taken over instead of trained.
public struct FinishedElsewhere: Sendable {
  /// What is known of a run.
  enum Source: Sendable {
    /// The result of another study.
    case result(String)
    /// The folder of a trained run, which has to be measured.
    case run(String)
  }

  /// The runs by their digests.
  private(set) var sources: [String: Source] = [:]

  /// None.
  public init() {}

  /// How many runs there are.
  public var count: Int { sources.count }

  /// Looks for runs: in the folder of a study, of a run, or of several runs.
  ///
  /// - Throws: `StructuredError` if a folder has no finished run.
  public init(in folders: [String], components: Components) throws {
    for folder in folders {
      let before = sources.count
      let below = [folder, PathParts.join(folder, "runs")].flatMap { parent in
        ((try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []).sorted().map {
          PathParts.join(parent, $0)
        }
      }
      for path in [folder] + below { add(path, components) }
      if sources.count == before {
        throw StructuredError(
          "there is no finished run", at: folder,
          expected: "the folder of a study, of a run that was trained to its end, or of such runs")
      }
    }
  }

  private mutating func add(_ path: String, _ components: Components) {
    let result = PathParts.join(path, "result.json"), manager = FileManager.default
    if manager.fileExists(atPath: result) {
      if let digest = try? RunResult(reading: result).digest { sources[digest] = .result(result) }
      return
    }
    guard let folder = try? RunFolder.open(at: path), folder.contains(.weights),
      let yaml = try? ExperimentConfiguration.complete(
        String(decoding: folder.read(.configuration), as: UTF8.self), components),
      let values = try? ConfigurationDocument(yaml: yaml, source: path).values,
      let environment = try? JSONDecoder().decode(RunEnvironment.self, from: folder.read(.environment))
    else { return }
    let digest = StudyPlan.digest(values, threads: environment.threads)
    // A result says more than a run that is still to be measured.
    if sources[digest] == nil { sources[digest] = .run(path) }
  }
}
