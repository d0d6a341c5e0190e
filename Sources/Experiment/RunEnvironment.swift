import Foundation
import TensorCore

/// What a run was made with: everything beside the configuration that its bits depend on.
public struct RunEnvironment: Codable, Sendable {
  /// The version of this toolkit.
  public static let version = "0.1.0"

  /// The version of this toolkit.
  public var disentangle = RunEnvironment.version
  /// Threads that worked together.
  public var threads: Int
  /// The instruction level of the vector kernels.
  public var vectorLevel: String
  /// The processor whose kernels OpenBLAS uses.
  public var openblasCore: String
  /// The operating system.
  public var system: String

  enum CodingKeys: String, CodingKey {
    case disentangle, threads, system
    case vectorLevel = "vector_level"
    case openblasCore = "openblas_core"
  }

  /// Describes a device and the machine around it.
  public init(_ device: Device) {
    threads = device.threads
    vectorLevel = "\(device.level)"
    openblasCore = Device.blasCore
    system = ProcessInfo.processInfo.operatingSystemVersionString
  }

  /// As JSON, keys in alphabetical order.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }
}
