import Diagnostics
import Experiment
import FileFormats
import Foundation
import StrictConfiguration

/// The folder of a study, which alone says how far it has come:
///
///     study.yaml                 the study with every default
///     runs/DIGEST/               a run's folder, as `disentangle train` makes it, and `result.json` once it is finished
///     failures/DIGEST.json       why a run failed; it is not tried again unless asked for
///     claims/DIGEST.1            which process works on a run; see `RunClaim`
///     report/, study.sqlite      made from these at any time
///
/// Workers on any number of machines need nothing but this folder.
public struct StudyFolder: Sendable {
  /// What is known of a run that failed.
  public struct Failure: Sendable, Codable, Equatable {
    /// The run.
    public var digest: String
    /// What the run is called, for people.
    public var label: String
    /// The error.
    public var error: String
    /// The machine on which it failed.
    public var host: String
    /// When: ISO 8601, UTC.
    public var date: String
  }

  /// How far a run is.
  public enum State: Sendable, Equatable {
    /// Its result is there.
    case finished
    /// It failed.
    case failed(String)
    /// A process works on it.
    case running(host: String, process: Int)
    /// Its training was begun, and nobody works on it.
    case interrupted
    /// Nothing has been done.
    case waiting
  }

  /// The study's folder.
  public let path: String

  /// Makes the folder, or opens the one that is there, for a plan.
  ///
  /// A study may grow: `study.yaml` is replaced by that of the plan, and runs that are no longer part of it are left.
  ///
  /// - Throws: `StructuredError` if something else is there, or the folder cannot be written.
  public init(for plan: StudyPlan, at path: String) throws {
    self.path = path
    let manager = FileManager.default, file = PathParts.join(path, "study.yaml")
    if let names = try? manager.contentsOfDirectory(atPath: path), !names.isEmpty, !names.contains("study.yaml"),
      names.contains(where: { !["runs", "claims", "failures"].contains($0) && !$0.hasPrefix(".study.yaml") })
    {
      throw StructuredError(
        "the folder is not that of a study: it has no study.yaml", at: path, expected: "a new folder, or a study's",
        action: "Choose another --output.")
    }
    for name in ["runs", "claims", "failures"] {
      try FolderMaking.makeFolder(
        PathParts.join(path, name), what: "cannot create the folder of the study", at: path)
    }
    try Self.write(Data(plan.yaml.utf8), to: file)
  }

  /// Writes `study.yaml`, unless it is there. Workers that begin at the same moment all want to write the same text.
  private static func write(_ data: Data, to file: String) throws {
    for attempt in 1... {
      if FileManager.default.contents(atPath: file) == data { return }
      do { return try AtomicFile.write(data, to: file) } catch {
        if attempt == 50 { throw error }
        usleep(20_000)
      }
    }
  }

  /// Names a folder, which need not exist.
  public init(at path: String) { self.path = path }

  /// Opens the folder of a study for reading.
  ///
  /// - Throws: `StructuredError` if there is none.
  public init(reading path: String) throws {
    self.path = path
    guard FileManager.default.fileExists(atPath: PathParts.join(path, "study.yaml")) else {
      throw StructuredError(
        "there is no study", at: path, expected: "a folder that `disentangle study run` made")
    }
  }

  /// The folder of a run.
  public func run(_ digest: String) -> String { PathParts.join(path, "runs/\(digest)") }

  /// Where the result of a run is, or will be.
  public func result(_ digest: String) -> String { PathParts.join(run(digest), "result.json") }

  /// Where the error of a run is, if it failed.
  public func failure(_ digest: String) -> String { PathParts.join(path, "failures/\(digest).json") }

  /// Where claims are.
  var claims: String { PathParts.join(path, "claims") }

  /// Whether a run has a result.
  public func isFinished(_ digest: String) -> Bool { access(result(digest), F_OK) == 0 }

  /// Whether a run failed.
  public func hasFailed(_ digest: String) -> Bool { access(failure(digest), F_OK) == 0 }

  /// How far a run is.
  ///
  /// - Parameters:
  ///   - digest: the run.
  ///   - patience: seconds without a sign of life after which nobody is taken to work on a run.
  public func state(of digest: String, patience: Double) -> State {
    if isFinished(digest) { return .finished }
    if hasFailed(digest) { return .failed((try? readFailure(digest))?.error ?? "the error cannot be read") }
    if let holder = try? RunClaim.holder(of: digest, in: claims, patience: patience), !holder.isStale {
      return .running(host: holder.identity?.host ?? "", process: Int(holder.identity?.process ?? 0))
    }
    return access(run(digest), F_OK) == 0 ? .interrupted : .waiting
  }

  /// The results of runs, in their order, and what is wrong with those that cannot be read.
  ///
  /// - Parameter digests: the runs; those without a result are left out.
  public func results(_ digests: [String]) -> (results: [RunResult], unreadable: [(digest: String, error: String)]) {
    let read = try? ParallelMap.map(digests) { digest -> (RunResult?, String?) in
      guard isFinished(digest) else { return (nil, nil) }
      do {
        let result = try RunResult(reading: self.result(digest))
        guard result.digest == digest else {
          return (nil, "\(self.result(digest)): the result is of another run, \(result.digest)")
        }
        return (result, nil)
      } catch { return (nil, "\(error)") }
    }
    return (
      (read ?? []).compactMap(\.0), zip(digests, read ?? []).compactMap { digest, item in item.1.map { (digest, $0) } }
    )
  }

  /// Notes that a run failed.
  ///
  /// - Throws: `StructuredError` if the file cannot be written.
  func write(_ error: any Error, of run: PlannedRun) throws {
    let failure = Failure(
      digest: run.digest, label: run.label, error: "\(error)", host: ProcessIdentity.current.host,
      date: Date().formatted(.iso8601))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try AtomicFile.write(try encoder.encode(failure), to: self.failure(run.digest))
  }

  /// Why a run failed.
  ///
  /// - Throws: `StructuredError` if the file cannot be read.
  public func readFailure(_ digest: String) throws -> Failure {
    let path = failure(digest)
    guard let data = FileManager.default.contents(atPath: path),
      let failure = try? JSONDecoder().decode(Failure.self, from: data)
    else { throw StructuredError("the file cannot be read", at: path) }
    return failure
  }

  /// Lets a failed run be tried again.
  func forgetFailure(_ digest: String) { unlink(failure(digest)) }

  /// Removes the files of a finished run that its study does not keep.
  func tidy(_ digest: String, keep: StudyConfiguration.Keep) {
    var files: [RunFolder.File] = [.checkpoint]
    if keep != .posteriors { files.append(.posteriors) }
    if keep == .nothing { files.append(.weights) }
    for file in files { unlink(PathParts.join(run(digest), file.rawValue)) }
  }
}
