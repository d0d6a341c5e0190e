import Diagnostics
import FileFormats
import Foundation

/// The folder of one run: what was configured, what happened, what came out, in formats that any language reads.
///
/// It appears with its configuration inside or not at all, every file in it appears whole or not at all, and one
/// process at a time writes to it: whoever holds the lock on `run.lock`, which the system releases even after a kill.
public final class RunFolder: Sendable {
  /// The files of a run.
  public enum File: String, CaseIterable, Sendable {
    /// The resolved configuration, every default included.
    case configuration = "config.yaml"
    /// Version, processor, libraries, threads.
    case environment = "environment.json"
    /// One JSON object for each logged step; see ``EventLog``.
    case metrics = "metrics.jsonl"
    /// The same for TensorBoard, with images, where `training.tensorboard` asks for it; see ``TensorBoardLog``.
    case tensorBoard = "events.out.tfevents"
    /// Everything needed to continue bit for bit.
    case checkpoint = "checkpoint.safetensors"
    /// The trained parameters.
    case weights = "weights.safetensors"
    /// The posteriors of all images, once they were needed; see ``PosteriorCache``.
    case posteriors = "posteriors.h5"
    /// Likelihoods, once they were measured; see ``LikelihoodFile``.
    case likelihood = "likelihood.json"
  }

  /// What is wrong where another process holds the lock of a run that is to be continued.
  package static let busy = "another process is training this run"

  private static let lockName = "run.lock"
  private static let kind = FolderKind("run")

  /// The folder's path, without a slash at its end.
  public let path: String
  private let lock: FileLock?

  private init(path: String, lock: FileLock?) {
    self.path = path
    self.lock = lock
  }

  /// Makes the folder of a new run and locks it.
  ///
  /// - Parameters:
  ///   - path: The folder, which must not exist.
  ///   - makingParents: Whether the folders above it are made too, as for a default path.
  ///   - files: What the folder contains from its first moment: its configuration and what else is known.
  /// - Throws: `StructuredError` if something is in the way, or the folder cannot be made; nothing is left then.
  public static func create(
    at path: String, makingParents: Bool = false, with files: [File: Data]
  ) throws -> RunFolder {
    let path = trimmed(path)
    try requireNothing(at: path)
    let parts = PathParts(path), parent = parts.folder
    if makingParents, !parent.isEmpty {
      try FolderMaking.makeFolder(parent, what: "cannot make the folder \(parent)", at: path)
    }
    let names = files.keys.map(\.rawValue) + [lockName]
    let lock = try AtomicFolder.write(to: path, as: kind, files: names, replacing: false) { folder in
      for (file, data) in files { try folder.write(data, as: file.rawValue) }
      let lock = try FileLock(folder.path(of: lockName), at: path, busy: "another process is starting this run")
      guard let lock else { throw StructuredError("cannot make the run folder: \(systemReason())", at: path) }
      return lock
    }
    return RunFolder(path: path, lock: lock)
  }

  /// Opens the folder of a run that is to be continued, and locks it.
  ///
  /// - Throws: `StructuredError` if there is no run, or another process is writing to it.
  public static func resume(at path: String) throws -> RunFolder {
    let folder = try open(at: path)
    let lock = try FileLock(
      join(folder.path, lockName), at: folder.path, busy: busy)
    guard let lock else {
      throw StructuredError("cannot write into the run folder: \(systemReason())", at: folder.path)
    }
    AtomicFolder.completeWriting(folder.path, as: kind)
    return RunFolder(path: folder.path, lock: lock)
  }

  /// Opens the folder of a run for reading, or for adding a report.
  ///
  /// - Throws: `StructuredError` if there is no run.
  public static func open(at path: String) throws -> RunFolder {
    let path = trimmed(path)
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw StructuredError("there is no such run folder", at: path)
    }
    guard isDirectory.boolValue else {
      throw StructuredError("this is a file", at: path, expected: "the folder of a run")
    }
    let folder = RunFolder(path: path, lock: nil)
    guard folder.contains(.configuration) else {
      throw StructuredError(
        "this is not the folder of a run: it has no \(File.configuration.rawValue)", at: path,
        expected: "a folder that `disentangle train` made")
    }
    return folder
  }

  /// Whether this process may write checkpoints and metrics: it created or resumed the run.
  public var isLocked: Bool { lock != nil }

  /// The path of a file, there or not.
  public func path(of file: File) -> String { Self.join(path, file.rawValue) }

  /// Whether a file is there.
  public func contains(_ file: File) -> Bool { FileManager.default.fileExists(atPath: path(of: file)) }

  /// The folder of the run's report: `report`.
  public var reportFolder: String { Self.join(path, "report") }

  /// Where earlier versions wrote the decomposition of the run's rate: `report.json` beside the configuration.
  public var earlierReport: String { Self.join(path, "report.json") }

  /// Writes a file whole, in place of an earlier one.
  public func write(_ bytes: some ContiguousBytes, as file: File) throws {
    try AtomicFile.write(bytes, to: path(of: file))
  }

  /// Reads a file.
  ///
  /// - Throws: `StructuredError` if it is not there or cannot be read.
  public func read(_ file: File) throws -> Data {
    guard contains(file) else { throw StructuredError("the run has no such file", at: path(of: file)) }
    do { return try Data(contentsOf: URL(fileURLWithPath: path(of: file))) } catch {
      throw StructuredError("the file cannot be read", at: path(of: file))
    }
  }

  // MARK: Paths and errors

  private static func trimmed(_ path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }

  private static func join(_ folder: String, _ name: String) -> String { PathParts.join(folder, name) }

  private static func requireNothing(at path: String) throws {
    guard !path.isEmpty, path != "/", path != ".", path != ".." else {
      throw StructuredError("no folder can be made here", at: "--output \(path)", expected: "the name of a new folder")
    }
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    let isFolder = status.st_mode & S_IFMT == S_IFDIR
    if isFolder { AtomicFolder.completeWriting(path, as: kind) }
    let isRun = isFolder && FileManager.default.fileExists(atPath: join(path, File.configuration.rawValue))
    throw StructuredError(
      isRun ? "the run folder already exists" : isFolder ? "the folder already exists" : "a file is in the way",
      at: path, expected: isRun ? nil : "the name of a new folder",
      action: isRun ? "Pass --resume to continue it, or choose another --output." : "Choose another --output.")
  }

  private static func systemReason() -> String { String(cString: strerror(errno)) }
}
