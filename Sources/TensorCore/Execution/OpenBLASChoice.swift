import Foundation

/// Lets OpenBLAS use the kernels that suit the processor.
///
/// The library chooses them when it is loaded, before any code of ours runs, and can be wrong in two ways. It obeys
/// `OPENBLAS_CORETYPE`, which environments often preset to an older processor. And versions before 0.3.25 use kernels
/// of 2004 (Prescott, without AVX) on Intel processors that are newer than they are. In both cases the program begins
/// again, with the variable removed or set.
package enum OpenBLASChoice {
  /// What is set to have `OPENBLAS_CORETYPE` respected.
  static let optOut = "DISENTANGLE_KEEP_OPENBLAS_CORETYPE"

  private static let preset = "OPENBLAS_CORETYPE"

  /// Replaces this process by itself if OpenBLAS's kernels are not those for the processor, unless ``optOut`` is set.
  package static func restartIfUnsuitable() {
    #if os(Linux)
      guard getenv(optOut) == nil else { return }
      if getenv(preset) != nil {
        unsetenv(preset)
      } else if let core = replacement(for: Device.blasCore, at: .best) {
        setenv(preset, core, 1)
        setenv(optOut, "1", 1)
      } else {
        return
      }
      guard let program = realpath("/proc/self/exe", nil) else { return }
      // It returns only where the system refuses; then the kernels that were chosen will do.
      execv(program, Swift.CommandLine.unsafeArgv)
    #endif
  }

  /// The kernels to ask for in place of those that OpenBLAS falls back on; nil if it recognized the processor.
  ///
  /// - Parameters:
  ///   - core: the processor that OpenBLAS takes this one for.
  ///   - level: the widest instructions of this processor.
  static func replacement(for core: String, at level: VectorLevel) -> String? {
    guard core == "Prescott" else { return nil }
    switch level {
    case .plain: return nil
    case .avx2: return "Haswell"
    case .avx512: return "SkylakeX"
    }
  }
}
