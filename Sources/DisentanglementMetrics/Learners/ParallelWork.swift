import Synchronization
import TensorCore

extension Device {
  /// The values of `body` for each of `0..<count`, computed by all threads; each takes the next item when it is done.
  ///
  /// - Throws: the error of the lowest item that failed.
  func map<Value: Sendable>(_ count: Int, _ body: (_ worker: Int, _ item: Int) throws -> Value) throws -> [Value] {
    let values = Mutex([Value?](repeating: nil, count: count))
    try forEachItem(count) { worker, item in
      let value = try body(worker, item)
      values.withLock { $0[item] = value }
    }
    return values.withLock { $0.compactMap { $0 } }
  }
}

/// Calls `body` with ranges that cover `0..<count`: on all threads of a device, or once with the whole range where there
/// is none, as within work that is parallel already.
func forEachRange(_ count: Int, on device: Device?, _ body: (Range<Int>) -> Void) {
  if let device { device.forEachRange(count) { _, range in body(range) } } else { body(0..<count) }
}
