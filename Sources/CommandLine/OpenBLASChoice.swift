import Foundation

/// Lets OpenBLAS choose its kernels by the processor.
///
/// The library reads `OPENBLAS_CORETYPE` when it is loaded, before any code of ours runs, and environments that preset
/// it to an older processor halve its speed. So the program begins again without it, once: the variable is gone then.
enum OpenBLASChoice {
  /// What is set to have `OPENBLAS_CORETYPE` respected.
  static let optOut = "DISENTANGLE_KEEP_OPENBLAS_CORETYPE"

  /// Replaces this process by itself without `OPENBLAS_CORETYPE`, if that is set and ``optOut`` is not.
  static func restartWithoutPreset() {
    #if os(Linux)
      guard getenv("OPENBLAS_CORETYPE") != nil, getenv(optOut) == nil else { return }
      guard let program = realpath("/proc/self/exe", nil) else { return }
      unsetenv("OPENBLAS_CORETYPE")
      // It returns only where the system refuses; then the preset kernels will do.
      execv(program, Swift.CommandLine.unsafeArgv)
    #endif
  }
}
