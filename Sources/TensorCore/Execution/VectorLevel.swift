import CVectorKernels

/// The instruction sets that the vector kernels are compiled for.
public enum VectorLevel: Int, Sendable, CaseIterable, Comparable, CustomStringConvertible {
  /// The baseline that runs on every processor.
  case plain = 0
  /// AVX2 with fused multiply-add, 8 floats at a time.
  case avx2 = 1
  /// AVX-512 (F, DQ, BW, VL), 16 floats at a time.
  case avx512 = 2

  /// The widest level that this machine supports.
  public static var best: VectorLevel { VectorLevel(rawValue: Int(vk_best_level())) ?? .plain }

  /// The level of a name (`plain`, `avx2`, `avx512`), such as the value of `DISENTANGLE_VECTOR_LEVEL`.
  ///
  /// nil, an unknown name or a level that the machine does not support gives ``best``, so that a wrong environment
  /// variable never causes an illegal instruction.
  public static func named(_ name: String?) -> VectorLevel {
    guard let name, let level = allCases.first(where: { $0.description == name }), level <= best else { return best }
    return level
  }

  /// The level's name in the environment variable and in logs.
  public var description: String {
    switch self {
    case .plain: "plain"
    case .avx2: "avx2"
    case .avx512: "avx512"
    }
  }

  /// Orders levels by width.
  public static func < (a: VectorLevel, b: VectorLevel) -> Bool { a.rawValue < b.rawValue }

  /// The level as kernels know it.
  package var code: Int32 { Int32(rawValue) }
}
