import COpenBLAS
import Foundation

/// The resources of a computation: a number of threads, an instruction level and a storage pool.
///
/// Every tensor belongs to a device and every operation runs on its operands' device; there is no global device. A
/// device serves one caller at a time. Results depend on ``threads`` and ``level`` (sums are split differently) and on
/// nothing else.
public final class Device: Sendable {
  /// The number of threads, including the caller's.
  public let threads: Int
  /// The instruction level of the vector kernels.
  public let level: VectorLevel
  /// The pool of buffers.
  public let pool = StoragePool()

  private let team: WorkerTeam
  /// Sendable is not checked by the compiler: a device serves one caller at a time.
  nonisolated(unsafe) package let model: WorkModel?

  /// Makes a device.
  ///
  /// - Parameters:
  ///   - threads: the number of threads; by default one per core, or fewer if a container's quota of processor time is
  ///     smaller.
  ///   - level: the instruction level; by default the one that the environment variable `DISENTANGLE_VECTOR_LEVEL`
  ///     names, otherwise the best (``VectorLevel/named(_:)``).
  public convenience init(threads: Int? = nil, level: VectorLevel? = nil) {
    self.init(threads: threads, level: level, model: nil)
  }

  /// Makes a device whose work is divided among so many threads, but done by the caller alone and measured.
  package convenience init(modelling threads: Int, in model: WorkModel, level: VectorLevel? = nil) {
    self.init(threads: threads, level: level, model: model)
  }

  private init(threads: Int?, level: VectorLevel?, model: WorkModel?) {
    self.threads = max(1, threads ?? Self.availableThreads)
    self.level = level ?? .named(ProcessInfo.processInfo.environment["DISENTANGLE_VECTOR_LEVEL"])
    self.model = model
    team = WorkerTeam(count: model == nil ? self.threads : 1)
    // Matrix products are split among the device's threads; OpenBLAS's own threads would compete with them.
    openblas_set_num_threads(1)
  }

  /// The number of threads of a device that is made without one.
  public static var availableThreads: Int { AvailableProcessors.count() }

  /// Runs `body(0)` … `body(threads − 1)` in parallel and returns when all have finished.
  public func parallel(_ body: (_ worker: Int) -> Void) {
    guard let model else { return team.run(body) }
    model.run(threads, body)
  }

  /// Splits `0..<count` into one contiguous range per worker and runs `body` on those that are not empty.
  ///
  /// - Parameters:
  ///   - count: the number of items.
  ///   - grain: ranges begin at multiples of the grain; if there are fewer than two grains, one worker does everything.
  ///   - body: called with the worker's index and its range.
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

  /// The part of `0..<count` that is assigned to one worker.
  static func range(of worker: Int, among workers: Int, count: Int, grain: Int) -> Range<Int> {
    let grains = (count + grain - 1) / grain
    let first = grains * worker / workers, last = grains * (worker + 1) / workers
    return min(first * grain, count)..<min(last * grain, count)
  }

  /// OpenBLAS's name for the processor whose kernels it uses.
  public static var blasCore: String { String(cString: openblas_get_corename()) }
}
