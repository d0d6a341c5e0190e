/// How a computation would be divided among more threads than there are processors.
///
/// A device with a model runs the parts of its workers one after the other on the calling thread, exactly the parts that so
/// many threads would have, and measures each. What threads would wait for, and what they would do to each other's caches
/// and to the memory they share, is not in it: it shows how even the parts are, and how much work is not divided at all.
///
/// The same work, measured several times, counts with the least time of each part.
package final class WorkModel {
  /// A part of the work that all workers do together.
  package struct Region: Sendable {
    /// What it belongs to.
    package fileprivate(set) var name: String
    /// Seconds of the caller alone, before it.
    package fileprivate(set) var serial: Double
    /// Seconds of each worker; none for what follows the last region.
    package fileprivate(set) var parts: [Double]

    /// The worker that is last.
    package var longest: Double { parts.max() ?? 0 }
    /// All workers.
    package var sum: Double { parts.reduce(0, +) }
  }

  /// The regions, in their order.
  package private(set) var regions: [Region] = []
  /// What the current region belongs to.
  package var name: () -> String = { "" }

  private let clock = ContinuousClock()
  private var next: Int?
  private var since: ContinuousClock.Instant
  private var isInside = false

  /// An empty model.
  package init() { since = clock.now }

  /// Measures work: the first time, or once more.
  package func measure(_ work: () throws -> Void) rethrows {
    next = 0
    since = clock.now
    defer { next = nil }
    try work()
    take(name(), [])
  }

  /// The seconds of the caller alone.
  package var serial: Double { regions.reduce(0) { $0 + $1.serial } }
  /// The seconds until the last worker of each region has finished.
  package var longest: Double { regions.reduce(0) { $0 + $1.longest } }
  /// The seconds of all workers.
  package var sum: Double { regions.reduce(0) { $0 + $1.sum } }

  /// Runs the parts of so many workers.
  func run(_ workers: Int, _ body: (_ worker: Int) -> Void) {
    // Parallel work within a worker's part is part of it.
    guard next != nil, !isInside else {
      for worker in 0..<workers { body(worker) }
      return
    }
    let serial = seconds(), label = name()
    isInside = true
    let parts = (0..<workers).map { worker in
      since = clock.now
      body(worker)
      return seconds()
    }
    isInside = false
    since = clock.now
    take(label, parts, serial: serial)
  }

  /// Runs items, each by the worker that has least to do so far.
  func runItems(_ count: Int, workers: Int, _ body: (_ worker: Int, _ item: Int) throws -> Void) rethrows {
    guard next != nil, !isInside else {
      for item in 0..<count { try body(0, item) }
      return
    }
    let serial = seconds(), label = name()
    isInside = true
    defer { isInside = false }
    var parts = [Double](repeating: 0, count: workers)
    for item in 0..<count {
      let worker = parts.indices.min { parts[$0] < parts[$1] } ?? 0
      since = clock.now
      try body(worker, item)
      parts[worker] += seconds()
    }
    since = clock.now
    take(label, parts, serial: serial)
  }

  private func seconds() -> Double { (clock.now - since) / .seconds(1) }

  private func take(_ name: String, _ parts: [Double], serial: Double? = nil) {
    guard let position = next else { return }
    let serial = serial ?? seconds()
    if position == regions.count {
      regions.append(Region(name: name, serial: serial, parts: parts))
    } else {
      regions[position].serial = min(regions[position].serial, serial)
      precondition(regions[position].parts.count == parts.count, "the work measured again has other regions")
      for worker in parts.indices {
        regions[position].parts[worker] = min(regions[position].parts[worker], parts[worker])
      }
    }
    next = position + 1
    since = clock.now
  }
}
