import Synchronization

extension Device {
  /// Runs `body` once for each item in `0..<count`; every worker takes the next item when it has finished the last one.
  ///
  /// - Throws: the error of the lowest item that failed; no item is started after a failure.
  package func forEachItem(_ count: Int, _ body: (_ worker: Int, _ item: Int) throws -> Void) throws {
    if let model { return try model.runItems(count, workers: threads, body) }
    let next = Atomic<Int>(0)
    let failure = Mutex<(item: Int, error: any Error)?>(nil)
    parallel { worker in
      while true {
        let item = next.add(1, ordering: .relaxed).oldValue
        guard item < count else { return }
        do {
          try body(worker, item)
        } catch {
          next.store(count, ordering: .relaxed)
          failure.withLock { first in
            if first.map({ item < $0.item }) ?? true { first = (item, error) }
          }
        }
      }
    }
    if let failure = failure.withLock({ $0 }) { throw failure.error }
  }
}
