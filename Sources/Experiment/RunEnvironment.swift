import FileFormats
import Foundation
import TensorCore

/// What a run was made with: everything beside the configuration that its bits depend on, and when and how it was started.
public struct RunEnvironment: Codable, Sendable {
  /// The version of this toolkit.
  public static let version = "0.1.0"

  /// The version of this toolkit.
  public var disentangle = RunEnvironment.version
  /// The commit of the program's source; nil where it is not known. It ends in `-dirty` where files were changed since.
  public var commit: String?
  /// When the process began to train: ISO 8601, UTC.
  public var date: String?
  /// The command line of the process: the name of the program without its folder, and the arguments.
  public var commandLine: [String]?
  /// Threads that worked together.
  public var threads: Int
  /// The instruction level of the vector kernels.
  public var vectorLevel: String
  /// The processor whose kernels OpenBLAS uses.
  public var openblasCore: String
  /// The operating system.
  public var system: String
  /// The step after which the run was resumed; nil for the process that began it.
  public var resumedAfterStep: Int?
  /// The processes that resumed the run, in order.
  public var resumed: [RunEnvironment]?

  enum CodingKeys: String, CodingKey {
    case disentangle, commit, date, threads, system, resumed
    case commandLine = "command_line"
    case vectorLevel = "vector_level"
    case openblasCore = "openblas_core"
    case resumedAfterStep = "resumed_after_step"
  }

  /// Describes this process, a device and the machine around it.
  ///
  /// - Parameters:
  ///   - device: where is trained.
  ///   - commit: the commit of the program's source.
  ///   - date: when.
  public init(_ device: Device, commit: String?, date: Date = Date()) {
    self.commit = commit
    self.date = date.formatted(.iso8601)
    let arguments = CommandLine.arguments
    commandLine = arguments.prefix(1).map { PathParts($0).name } + arguments.dropFirst()
    threads = device.threads
    vectorLevel = "\(device.level)"
    openblasCore = Device.blasCore
    system = ProcessInfo.processInfo.operatingSystemVersionString
  }

  /// This description with a process that resumes the run added.
  func resumed(by process: RunEnvironment, afterStep step: Int) -> RunEnvironment {
    var (result, process) = (self, process)
    process.resumedAfterStep = step
    result.resumed = (resumed ?? []) + [process]
    return result
  }

  /// As JSON, keys in alphabetical order.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }
}
