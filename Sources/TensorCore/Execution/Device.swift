import COpenBLAS
import Foundation

/// Where computation happens: a number of threads, an instruction level and a storage pool.
///
/// Every tensor belongs to a device and every operation runs on its operands' device, so nothing about the machine is
/// ambient. A device serves one caller at a time; results depend on ``threads`` and ``level`` (sums are split
/// differently) and on nothing else.
public final class Device: Sendable {
  /// The number of threads that work together, the caller included.
  public let threads: Int
  /// The instruction level of the vector kernels.
  public let level: VectorLevel
  /// The buffers.
  public let pool = StoragePool()

  private let team: WorkerTeam

  /// Makes a device.
  ///
  /// - Parameters:
  ///   - threads: how many threads work together; by default one for each core, or fewer where a container's quota of
  ///     processor time is smaller.
  ///   - level: the instruction level; by default the one named by the environment variable `DISENTANGLE_VECTOR_LEVEL`,
  ///     or else the best.
  public init(threads: Int? = nil, level: VectorLevel? = nil) {
    self.threads = max(1, threads ?? AvailableProcessors.count())
    self.level = level ?? .named(ProcessInfo.processInfo.environment["DISENTANGLE_VECTOR_LEVEL"])
    team = WorkerTeam(count: self.threads)
    // Matrix products are split among our own threads; the library's must stay out of their way.
    openblas_set_num_threads(1)
  }

  /// Runs `body(0)` … `body(threads − 1)` side by side and returns when all have ended.
  public func parallel(_ body: (_ worker: Int) -> Void) { team.run(body) }

  /// Splits `0..<count` into one contiguous range per worker and runs `body` on those that are not empty.
  ///
  /// - Parameters:
  ///   - count: how many items there are.
  ///   - grain: ranges begin at multiples of this; one worker does everything when there are fewer than two grains.
  ///   - body: called with the worker's number and its range.
  public func forEachRange(_ count: Int, grain: Int = 1, _ body: (_ worker: Int, _ range: Range<Int>) -> Void) {
    let grains = (count + grain - 1) / grain
    guard threads > 1, grains > 1 else {
      if count > 0 { body(0, 0..<count) }
      return
    }
    parallel { worker in
      let range = Self.range(of: worker, among: threads, count: count, grain: grain)
      if !range.isEmpty { body(worker, range) }
    }
  }

  /// The part of `0..<count` that falls to one worker.
  static func range(of worker: Int, among workers: Int, count: Int, grain: Int) -> Range<Int> {
    let grains = (count + grain - 1) / grain
    let first = grains * worker / workers, last = grains * (worker + 1) / workers
    return min(first * grain, count)..<min(last * grain, count)
  }

  /// The name OpenBLAS gives to the processor whose kernels it uses.
  public static var blasCore: String { String(cString: openblas_get_corename()) }
}
