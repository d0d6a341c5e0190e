import Diagnostics
import Foundation
import Synchronization

/// A pool of aligned buffers, reused by size, so that a training loop allocates nothing after its first steps.
///
/// New memory costs one page fault per 4 KiB, which in other frameworks takes up to half of a training step.
public final class StoragePool: Sendable {
  /// Counts since the pool was made.
  public struct Statistics: Sendable, Equatable {
    /// Requests served with a reused buffer.
    public var hits = 0
    /// Requests that had to allocate.
    public var misses = 0
    /// Bytes allocated and not yet released.
    public var bytesInUse = 0
    /// Bytes held by the pool, in use or free.
    public var bytesHeld = 0
  }

  private struct State {
    // The addresses of the free buffers, by capacity.
    var free: [Int: [UInt]] = [:]
    var statistics = Statistics()
  }

  private let state = Mutex(State())

  init() {}

  deinit {
    state.withLock { state in
      for bits in state.free.values.joined() { free(UnsafeMutableRawPointer(bitPattern: bits)) }
    }
  }

  /// The counts so far.
  public var statistics: Statistics { state.withLock { $0.statistics } }

  /// The capacity of a buffer: the size rounded up to a multiple of an eighth of the next lower power of two, and of 64
  /// bytes, so that similar sizes share buffers and little memory is wasted.
  static func capacity(for bytes: Int) -> Int {
    let least = max(bytes, 64)
    let step = max(64, (1 << (Int.bitWidth - 1 - least.leadingZeroBitCount)) / 8)
    requireFit(least <= Int.max - step, "Tensor", "\(bytes) bytes are more than any memory")
    return (least + step - 1) / step * step
  }

  func allocate(bytes: Int) -> UnsafeMutableRawPointer {
    let capacity = Self.capacity(for: bytes)
    let bits = state.withLock { state -> UInt? in
      state.statistics.bytesInUse += capacity
      if let found = state.free[capacity]?.popLast() {
        state.statistics.hits += 1
        return found
      }
      state.statistics.misses += 1
      state.statistics.bytesHeld += capacity
      return nil
    }
    if let bits, let pointer = UnsafeMutableRawPointer(bitPattern: bits) { return pointer }
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, 64, capacity) == 0, let memory else {
      fatalError("there is no memory for a tensor of \(MemoryRequirement.text(bytes))")
    }
    return memory
  }

  func release(_ pointer: UnsafeMutableRawPointer, bytes: Int) {
    let capacity = Self.capacity(for: bytes)
    let bits = UInt(bitPattern: pointer)
    state.withLock { state in
      state.statistics.bytesInUse -= capacity
      state.free[capacity, default: []].append(bits)
    }
  }
}
