import TensorCore
import Testing

@Suite("Denormal numbers")
struct DenormalNumbersTests {
  /// Half the smallest normal number, computed at run time.
  @inline(never) private static func half<T: BinaryFloatingPoint>(_ x: T) -> T { x / 2 }

  private static func denormalsOnAllThreads(_ device: Device) -> [Float] {
    var found = [Float](repeating: -1, count: device.threads)
    found.withUnsafeMutableBufferPointer { found in
      nonisolated(unsafe) let found = found
      device.parallel { worker in found[worker] = half(Float.leastNormalMagnitude) }
    }
    return found
  }

  @Test("Workers do as the caller does, inside and afterwards, on any number of threads", arguments: [1, 2, 3, 8])
  func workers(threads: Int) {
    let device = Device(threads: threads)
    for _ in 0..<20 {
      #expect(Self.denormalsOnAllThreads(device).allSatisfy { $0 > 0 })
      flushingDenormals { #expect(Self.denormalsOnAllThreads(device).allSatisfy { $0 == 0 }) }
      #expect(Self.denormalsOnAllThreads(device).allSatisfy { $0 > 0 })
    }
  }

  @Test("The calling thread is restored after nested scopes and errors")
  func restored() {
    struct Failure: Error {}
    flushingDenormals {
      #expect(Self.half(Float.leastNormalMagnitude) == 0)
      #expect(throws: Failure.self) { try flushingDenormals { throw Failure() } }
      #expect(Self.half(Float.leastNormalMagnitude) == 0, "the inner scope ended the outer one")
    }
    #expect(Self.half(Float.leastNormalMagnitude) > 0)
    #expect(Self.half(Double.leastNormalMagnitude) > 0)
  }

  @Test("Densities far out in the tail keep their logarithms: mixtures are not summed like this")
  func tails() {
    let device = Device(threads: 2)
    // log N(z; 0, 1) at z = 38 is −723: its exponential, 1e-314, is denormal in double precision, and 0 in single.
    let mixture = MixtureDensity(means: [0, 0], logVariances: [0, 0], dimensions: 1, on: device)
    let value = mixture.logDensities(at: [38], marginals: false, on: device).joint[0]
    #expect(abs(value + 0.5 * 38 * 38 + 0.918_938_533_204_672_7) < 1e-4, "\(value)")
  }
}
