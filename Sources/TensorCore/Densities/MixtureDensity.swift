import CVectorKernels
import Foundation

/// The log density of a Gaussian mixture with equal weights, q(z) = 1/N Σₙ Π_d N(z_d; μ_nd, σ²_nd), at any number of
/// points: jointly, and in each dimension on its own.
///
/// The sum is over all components: a streaming log-sum-exp in base 2 over blocks of components, in single precision
/// with sums in double, on all threads of a device. Blocks of which no component can add to the joint density in the precision
/// of the sum are passed over. The result does not depend on the number of threads. A
/// sum that single precision cannot represent (a point extremely far from all components) is computed again in double.
///
/// Sendable is not checked by the compiler because of the table behind a pointer. It is written in `init`, before anybody else
/// has the object (the workers that fill it have finished when `init` returns), only read afterwards, and freed when the
/// last reference is gone; everything else is immutable.
public final class MixtureDensity: @unchecked Sendable {
  /// The number of components, N.
  public let count: Int
  /// The number of dimensions, D.
  public let dimensions: Int

  // Written only in `init`.
  private let table: UnsafeMutablePointer<Float>
  private let means: [Float]
  private let logVariances: [Float]
  /// The dimensions, those first in which components are farthest apart.
  private let order: [Int32]

  /// Prepares a mixture.
  ///
  /// - Parameters:
  ///   - means: μ, `[N, D]` in row-major order; finite.
  ///   - logVariances: log σ², `[N, D]`; between −150 and 150, so that 1/σ and its square root fit single precision.
  ///   - dimensions: D ≥ 1; N follows from the number of means, and is at least 1.
  ///   - device: the device whose threads prepare the table.
  public init(means: [Float], logVariances: [Float], dimensions: Int, on device: Device) {
    requireFit(
      dimensions >= 1 && !means.isEmpty && means.count % max(dimensions, 1) == 0, "MixtureDensity",
      "\(means.count) means do not form rows of \(dimensions)")
    requireFit(
      means.count == logVariances.count, "MixtureDensity",
      "there are \(means.count) means and \(logVariances.count) log-variances")
    self.count = means.count / dimensions
    self.dimensions = dimensions
    self.means = means
    self.logVariances = logVariances
    let order = MixtureOrder(means: means, logVariances: logVariances, dimensions: dimensions), d = dimensions
    func inOrder(_ values: [Float]) -> [Float] {
      [Float](unsafeUninitializedCapacity: values.count) { buffer, count in
        for (row, component) in order.components.enumerated() {
          for k in 0..<d { buffer.initializeElement(at: row * d + k, to: values[component * d + k]) }
        }
        count = values.count
      }
    }
    table = Self.table(
      means: inOrder(means), logVariances: inOrder(logVariances), dimensions: dimensions, on: device)
    self.order = order.dimensions
  }

  /// What the kernels read of a mixture; the caller deallocates it.
  static func table(
    means: [Float], logVariances: [Float], dimensions: Int, on device: Device
  ) -> UnsafeMutablePointer<Float> {
    let count = means.count / dimensions
    let size = vk_mixture_table_size(count, dimensions)
    nonisolated(unsafe) let table = UnsafeMutableRawPointer.allocate(byteCount: size * 4, alignment: 64).bindMemory(
      to: Float.self, capacity: size)
    device.forEachRange((count + VK_MIXTURE_TILE - 1) / VK_MIXTURE_TILE) { _, range in
      vk_mixture_prepare(count, dimensions, means, logVariances, range.lowerBound, range.upperBound, table)
    }
    return table
  }

  deinit { table.deallocate() }

  /// log q at S points, and optionally log q_d in each dimension.
  ///
  /// - Parameters:
  ///   - points: z, `[S, D]`; finite.
  ///   - wantMarginals: whether to compute the densities of single dimensions as well, which costs several times as
  ///     much as the joint density alone.
  ///   - device: the device whose threads share the points.
  /// - Returns: log densities in nats; `joint` is `[S]`, `marginals` `[S, D]` or empty.
  public func logDensities(
    at points: [Float], marginals wantMarginals: Bool, on device: Device
  ) -> (joint: [Double], marginals: [Double]) {
    requireFit(
      points.count % dimensions == 0, "logDensities", "\(points.count) values do not form points of \(dimensions)")
    let samples = points.count / dimensions, d = dimensions
    var joint = [Double](repeating: 0, count: samples)
    var marginals = [Double](repeating: 0, count: wantMarginals ? samples * d : 0)
    joint.withUnsafeMutableBufferPointer { joint in
      marginals.withUnsafeMutableBufferPointer { marginals in
        nonisolated(unsafe) let joint = joint, marginals = marginals
        device.forEachRange(samples, grain: 4) { _, range in
          points.withUnsafeBufferPointer { points in
            guard let z = points.baseAddress, let out = joint.baseAddress else { return }
            withUnsafeTemporaryAllocation(of: Double.self, capacity: vk_mixture_scratch_size(range.count, d)) {
              scratch in
              vk_mixture_log2_sum(
                device.level.code, count, d, table, order, range.count, z + range.lowerBound * d,
                out + range.lowerBound,
                wantMarginals ? marginals.baseAddress.map { $0 + range.lowerBound * d } : nil, scratch.baseAddress)
            }
          }
        }
      }
    }
    let logCount = log(Double(count)), ln2 = log(2.0)
    for s in 0..<samples {
      joint[s] = joint[s].isFinite ? joint[s] * ln2 - logCount : preciseLogDensity(points, s, 0..<d)
      guard wantMarginals else { continue }
      for k in 0..<d {
        let value = marginals[s * d + k]
        marginals[s * d + k] =
          value.isFinite ? value * ln2 - logCount : preciseLogDensity(points, s, k..<(k + 1))
      }
    }
    return (joint, marginals)
  }

  /// log q of every pair of dimensions at S points, in nats.
  ///
  /// The density of a component in two dimensions is the product of its densities in one, so D exponentials serve all
  /// D(D − 1)/2 pairs.
  ///
  /// - Parameters:
  ///   - points: z, `[S, D]`; finite.
  ///   - references: log q_d in each dimension, `[S, D]`, to within a few nats; sums are computed relative to them.
  ///   - device: the device whose threads share the points.
  /// - Returns: `[S, D(D − 1)/2]`, pairs in the order (0, 1), (0, 2), …, (1, 2), ….
  public func logPairDensities(at points: [Float], references: [Double], on device: Device) -> [Double] {
    requireFit(
      points.count % dimensions == 0 && references.count == points.count, "logPairDensities",
      "\(points.count) values and \(references.count) references do not form points of \(dimensions)")
    let samples = points.count / dimensions, d = dimensions, pairs = d * (d - 1) / 2
    guard pairs > 0 else { return [] }
    let logCount = log(Double(count)), ln2 = log(2.0)
    // log₂ of the sum over components, from log q_d, which is the log of a mean, in nats.
    let scales = references.map { Float(max(-1e30, min(1e30, ($0 + logCount) / ln2))) }
    // Where a component is far from a point in both dimensions, the product of its densities is denormal.
    var result = flushingDenormals { pairSums(at: points, relativeTo: scales, on: device) }
    for s in 0..<samples {
      var pair = s * pairs
      for i in 0..<d {
        for j in i + 1..<max(d, i + 1) {
          // Single precision has not all of what smaller sums consist of, and no larger ones.
          let sum = result[pair], isAccurate = sum > 0x1p-80 && sum < 0x1p100
          result[pair] =
            isAccurate
            ? (log2(sum) + Double(scales[s * d + i]) + Double(scales[s * d + j])) * ln2 - logCount
            : preciseLogDensity(points, s, [i, j])
          pair += 1
        }
      }
    }
    return result
  }

  /// The sum over components of the product of two dimensions' densities, each divided by 2 to its scale.
  private func pairSums(at points: [Float], relativeTo scales: [Float], on device: Device) -> [Double] {
    let samples = points.count / dimensions, d = dimensions, pairs = d * (d - 1) / 2
    var result = [Double](repeating: 0, count: samples * pairs)
    result.withUnsafeMutableBufferPointer { result in
      nonisolated(unsafe) let result = result
      // The points of one block use each chunk of the table while it is in the cache.
      let block = 64
      device.forEachRange(samples) { _, range in
        withUnsafeTemporaryAllocation(byteCount: vk_mixture_pair_scratch_size(d) * 4, alignment: 64) { scratch in
          points.withUnsafeBufferPointer { points in
            scales.withUnsafeBufferPointer { scales in
              guard let z = points.baseAddress, let r = scales.baseAddress, let out = result.baseAddress else { return }
              for first in stride(from: range.lowerBound, to: range.upperBound, by: block) {
                vk_mixture_pair_sums(
                  device.level.code, count, d, table, min(block, range.upperBound - first), z + first * d,
                  r + first * d, out + first * pairs, scratch.baseAddress?.assumingMemoryBound(to: Float.self))
              }
            }
          }
        }
      }
    }
    return result
  }

  /// log q over some dimensions at one point, in double precision.
  private func preciseLogDensity(_ points: [Float], _ sample: Int, _ columns: some Sequence<Int>) -> Double {
    var largest = -Double.infinity, sum = 0.0
    for n in 0..<count {
      var value = 0.0
      for k in columns {
        let lv = Double(logVariances[n * dimensions + k])
        let distance = Double(points[sample * dimensions + k]) - Double(means[n * dimensions + k])
        value -= 0.5 * (distance * distance * exp(-lv) + lv + log(2 * Double.pi))
      }
      if value > largest {
        sum = sum * exp(largest - value) + 1
        largest = value
      } else {
        sum += exp(value - largest)
      }
    }
    return largest + log(sum) - log(Double(count))
  }
}
