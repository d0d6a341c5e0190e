import Synchronization

/// Hands out aligned buffers and takes them back by size, so that a training loop allocates nothing after its first step.
///
/// Fresh memory costs a page fault per 4 KiB, which in the peers takes up to half of a training step.
public final class StoragePool: Sendable {
  /// Counts of what the pool has done since it was made.
  public struct Statistics: Sendable, Equatable {
    /// Requests served from buffers that came back.
    public var hits = 0
    /// Requests that had to allocate.
    public var misses = 0
    /// Bytes handed out and not yet returned.
    public var bytesInUse = 0
    /// Bytes held altogether, in use or waiting.
    public var bytesHeld = 0
  }

  private struct State {
    // The pointers are owned by the pool alone and leave it only inside a lease.
    var free: [Int: [UInt]] = [:]
    var statistics = Statistics()
  }

  private let state = Mutex(State())

  init() {}

  deinit {
    state.withLock { state in
      for bits in state.free.values.joined() { UnsafeMutableRawPointer(bitPattern: bits)?.deallocate() }
    }
  }

  /// What has happened so far.
  public var statistics: Statistics { state.withLock { $0.statistics } }

  /// Buffer sizes come in steps of at most an eighth, so that neighbours share buffers without wasting much.
  static func capacity(for bytes: Int) -> Int {
    let least = max(bytes, 64)
    let step = max(64, (1 << (Int.bitWidth - 1 - least.leadingZeroBitCount)) / 8)
    return (least + step - 1) / step * step
  }

  func take(bytes: Int) -> UnsafeMutableRawPointer {
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
    return UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64)
  }

  func give(_ pointer: UnsafeMutableRawPointer, bytes: Int) {
    let capacity = Self.capacity(for: bytes)
    let bits = UInt(bitPattern: pointer)
    state.withLock { state in
      state.statistics.bytesInUse -= capacity
      state.free[capacity, default: []].append(bits)
    }
  }
}
