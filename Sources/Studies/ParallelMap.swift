import Foundation
import Synchronization

/// Maps the elements of an array on all processors, in order.
enum ParallelMap {
  private struct State<Result: Sendable>: Sendable {
    var results: [Int: [Result]] = [:]
    var failure: (index: Int, error: any Error)?
  }

  /// The values of `transform`, in the order of the elements.
  ///
  /// - Throws: what `transform` throws for the first element that it fails on.
  static func map<Element: Sendable, Result: Sendable>(
    _ elements: [Element], _ transform: @Sendable (Element) throws -> Result
  ) throws -> [Result] {
    let size = 64, blocks = (elements.count + size - 1) / size
    let state = Mutex(State<Result>())
    DispatchQueue.concurrentPerform(iterations: blocks) { block in
      let range = block * size..<min(elements.count, (block + 1) * size)
      if state.withLock({ ($0.failure?.index ?? .max) < range.lowerBound }) { return }
      var results: [Result] = []
      for index in range {
        do { results.append(try transform(elements[index])) } catch {
          state.withLock { if index < $0.failure?.index ?? .max { $0.failure = (index, error) } }
          return
        }
      }
      state.withLock { $0.results[block] = results }
    }
    return try state.withLock { state in
      if let failure = state.failure { throw failure.error }
      return (0..<blocks).flatMap { state.results[$0] ?? [] }
    }
  }
}
