import CVectorKernels
import Foundation
import Synchronization

/// A fixed number of threads that run one job together; the caller waits until all have finished.
///
/// Worker 0 is the caller. After a job the others spin for some microseconds, because in training the next job follows
/// immediately; then they yield for one or two milliseconds, longer than any serial part of a training step; then they
/// sleep, because waking a thread takes as long as a small matrix product. The caller waits for the others in the same
/// way: if another program occupies a core, the caller's core becomes free for the worker that was displaced.
///
/// Workers treat denormal numbers as the caller does (``flushingDenormals(_:)``), so that a result does not depend on
/// which thread computed it.
final class WorkerTeam: Sendable {
  /// 128 bytes.
  private typealias Padding = (Pad, Pad)
  private typealias Pad = (Int, Int, Int, Int, Int, Int, Int, Int)
  private static let padding: Padding = ((0, 0, 0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 0, 0, 0))

  /// The state that the threads share. It outlives the team until the last thread has exited.
  ///
  /// Sendable is not checked by the compiler because of `job` and `denormals`. They are written by one thread, the caller
  /// that holds `busy`, while no worker runs a job, and read by workers between `generation`'s advance (release, acquire)
  /// and their decrement of `running` (release), which the caller awaits (acquire) before it writes again. NSCondition
  /// may be used from all threads.
  private final class Shared: @unchecked Sendable {
    // Waiting workers read `generation` all the time, and each worker that ends writes `running`: in one cache line, every
    // ending would take the line from all that wait. Lines come in pairs of 64 bytes.
    private let before: Padding = padding
    let generation = Atomic<Int>(0)
    private let between: Padding = padding
    let running = Atomic<Int>(0)
    private let after: Padding = padding
    let sleepers = Atomic<Int>(0)
    let stopped = Atomic<Bool>(false)
    let callerSleeps = Atomic<Bool>(false)
    // Written by the caller before it advances `generation`, read by the workers after they observe the advance.
    nonisolated(unsafe) var job: (Int) -> Void = { _ in }
    // How the caller treats denormal numbers; written and read like `job`.
    nonisolated(unsafe) var denormals: UInt = 0
    let condition = NSCondition()

    /// Spins, then yields, until a predicate is true; returns false if it never was.
    private func spin(until predicate: () -> Bool) -> Bool {
      for _ in 0..<2_000 {
        if predicate() { return true }
        vk_pause()
      }
      for _ in 0..<4_000 {
        if predicate() { return true }
        sched_yield()
      }
      return false
    }

    func awaitJob(after seen: Int) {
      if spin(until: { generation.load(ordering: .acquiring) != seen }) { return }
      condition.lock()
      sleepers.add(1, ordering: .sequentiallyConsistent)
      while generation.load(ordering: .sequentiallyConsistent) == seen { condition.wait() }
      sleepers.subtract(1, ordering: .sequentiallyConsistent)
      condition.unlock()
    }

    func announce() {
      generation.add(1, ordering: .sequentiallyConsistent)
      guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
      condition.lock()
      condition.broadcast()
      condition.unlock()
    }

    func awaitEnd() {
      if spin(until: { running.load(ordering: .acquiring) == 0 }) { return }
      condition.lock()
      callerSleeps.store(true, ordering: .sequentiallyConsistent)
      while running.load(ordering: .sequentiallyConsistent) > 0 { condition.wait() }
      callerSleeps.store(false, ordering: .relaxed)
      condition.unlock()
    }

    func end() {
      let left = running.subtract(1, ordering: .sequentiallyConsistent).newValue
      guard left == 0, callerSleeps.load(ordering: .sequentiallyConsistent) else { return }
      condition.lock()
      condition.broadcast()
      condition.unlock()
    }

    func work(as worker: Int) {
      var seen = 0
      while true {
        awaitJob(after: seen)
        seen += 1
        if stopped.load(ordering: .acquiring) { return }
        vk_set_denormal_mode(denormals)
        job(worker)
        end()
      }
    }
  }

  let count: Int
  private let shared = Shared()
  private let busy = Atomic<Bool>(false)

  init(count: Int) {
    precondition(count >= 1, "a team needs at least one worker")
    self.count = count
    for worker in 1..<max(count, 1) {
      let thread = Thread { [shared] in shared.work(as: worker) }
      thread.stackSize = 8 << 20
      thread.name = "worker \(worker)"
      thread.start()
    }
  }

  deinit {
    shared.stopped.store(true, ordering: .releasing)
    shared.announce()
  }

  /// Runs `body(0)` … `body(count − 1)`, one per worker, and returns when all have finished.
  ///
  /// A call from inside a job, or from another thread while a job runs, runs all parts serially on the calling thread.
  func run(_ body: (_ worker: Int) -> Void) {
    guard count > 1, !busy.exchange(true, ordering: .acquiring) else {
      for worker in 0..<count { body(worker) }
      return
    }
    withoutActuallyEscaping(body) { job in
      shared.job = job
      shared.denormals = vk_denormal_mode()
      shared.running.store(count - 1, ordering: .relaxed)
      shared.announce()
      job(0)
      shared.awaitEnd()
      shared.job = { _ in }
    }
    busy.store(false, ordering: .releasing)
  }
}
