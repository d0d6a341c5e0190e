import CVectorKernels
import Synchronization

extension Device {
  /// The peak rate of multiply-adds of this device's threads at its instruction level, in floating-point operations per
  /// second; a multiply-add counts as two.
  ///
  /// Runs independent chains in registers on all threads at once, and returns the best of `attempts` measurements; the
  /// default takes about half a second.
  public func measuredPeak(attempts: Int = 20) -> Double {
    let rounds = 4_000_000, clock = ContinuousClock(), sink = Atomic<Int>(0)
    let operations = Double(threads * rounds) * Double(vk_operations_per_round(level.code))
    var best = 0.0
    for _ in 0..<attempts {
      let elapsed = clock.measure {
        parallel { _ in
          // Using the result keeps the compiler from removing the work.
          if vk_multiply_add_chains(level.code, rounds, 0.5).isNaN { sink.store(1, ordering: .relaxed) }
        }
      }
      best = max(best, operations / (elapsed / .seconds(1)))
    }
    return best
  }
}
