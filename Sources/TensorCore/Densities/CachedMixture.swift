import CVectorKernels
import Foundation

/// The sum of many Gaussian densities, Σₙ Π_d N(z_d; μ_nd, σ²_nd), jointly and in each dimension on its own, with gradients
/// with respect to z, of which any components may be left out: the posteriors of a data set as they were encoded once, in
/// training.
///
/// Not for two threads at once: components are left out in the table itself.
public final class CachedMixture {
  /// The number of components, N.
  public let count: Int
  /// The number of dimensions, D.
  public let dimensions: Int

  private let table: UnsafeMutablePointer<Float>
  private let means: [Float]
  private let logVariances: [Float]

  /// Prepares a mixture; parameters as of `MixtureDensity`.
  public init(means: [Float], logVariances: [Float], dimensions: Int, on device: Device) {
    requireFit(
      dimensions >= 1 && !means.isEmpty && means.count % max(dimensions, 1) == 0 && means.count == logVariances.count,
      "CachedMixture",
      "\(means.count) means and \(logVariances.count) log-variances do not form rows of \(dimensions)")
    count = means.count / dimensions
    (self.dimensions, self.means, self.logVariances) = (dimensions, means, logVariances)
    table = MixtureDensity.table(means: means, logVariances: logVariances, dimensions: dimensions, on: device)
  }

  deinit { table.deallocate() }

  /// log Σ at S points, and its gradient.
  public struct LogSums {
    /// In each dimension on its own, and in the last column jointly, in nats, `[S, D + 1]`; −1e30 where no component is
    /// near.
    public let values: [Float]
    /// The derivative of each dimension's sum with respect to the point, `[S, D]`.
    public let marginalGradients: [Float]
    /// The gradient of the joint sum, `[S, D]`.
    public let jointGradients: [Float]
  }

  /// log Σ over all components but some, in nats.
  ///
  /// - Parameters:
  ///   - points: z, `[S, D]`; finite.
  ///   - excluded: the components that are left out.
  ///   - device: the device whose threads share the points.
  public func logSums(at points: [Float], excluding excluded: Set<Int>, on device: Device) -> LogSums {
    requireFit(
      points.count % dimensions == 0, "logSums", "\(points.count) values do not form points of \(dimensions)")
    let s = points.count / dimensions, d = dimensions, n = count
    leaveOut(excluded)
    defer { restore(excluded) }
    var joint = [Double](repeating: 0, count: s), jointGradient = [Double](repeating: 0, count: s * d)
    var marginal = jointGradient, marginalGradient = jointGradient
    nonisolated(unsafe) let table = UnsafePointer(table)
    joint.withUnsafeMutableBufferPointer { joint in
      marginal.withUnsafeMutableBufferPointer { marginal in
        jointGradient.withUnsafeMutableBufferPointer { jointGradient in
          marginalGradient.withUnsafeMutableBufferPointer { marginalGradient in
            nonisolated(unsafe) let (a, b, c, e) = (joint, marginal, jointGradient, marginalGradient)
            device.forEachRange(s, grain: 4) { _, range in
              Self.compute(range, points, table, n, d, a, b, c, e, device.level.code)
            }
          }
        }
      }
    }
    var values: [Float] = []
    values.reserveCapacity(s * (d + 1))
    // Where no component is near, the sum counts for nothing beside that of the batch.
    func nats(_ log2: Double) -> Float { log2.isFinite ? Float(log2 * log(2.0)) : -1e30 }
    for row in 0..<s {
      values += marginal[row * d..<(row + 1) * d].map(nats)
      values.append(nats(joint[row]))
    }
    return LogSums(
      values: values, marginalGradients: marginalGradient.map { Float($0) },
      jointGradients: jointGradient.map { Float($0) })
  }

  private static func compute(
    _ range: Range<Int>, _ points: [Float], _ table: UnsafePointer<Float>, _ n: Int, _ d: Int,
    _ joint: UnsafeMutableBufferPointer<Double>, _ marginal: UnsafeMutableBufferPointer<Double>,
    _ jointGradient: UnsafeMutableBufferPointer<Double>, _ marginalGradient: UnsafeMutableBufferPointer<Double>,
    _ level: Int32
  ) {
    let scratchSize = max(vk_mixture_scratch_size(range.count, d), vk_mixture_gradient_scratch_size(d))
    points.withUnsafeBufferPointer { points in
      guard let z = points.baseAddress, let a = joint.baseAddress, let b = marginal.baseAddress,
        let c = jointGradient.baseAddress, let e = marginalGradient.baseAddress
      else { return }
      let first = range.lowerBound
      withUnsafeTemporaryAllocation(of: Double.self, capacity: scratchSize) { scratch in
        vk_mixture_log2_sum(
          level, n, d, table, nil, range.count, z + first * d, a + first, b + first * d, scratch.baseAddress)
        // A weight of 2^−∞ is none.
        for row in range {
          if !a[row].isFinite { a[row] = .infinity }
          for k in row * d..<(row + 1) * d where !b[k].isFinite { b[k] = .infinity }
        }
        vk_mixture_gradients(
          level, n, d, table, range.count, z + first * d, a + first, b + first * d, c + first * d, e + first * d,
          scratch.baseAddress)
      }
    }
  }

  /// Gives components the density 0, in the layout of `vk_mixture_prepare`.
  private func leaveOut(_ components: Set<Int>) {
    let tile = VK_MIXTURE_TILE
    for component in components {
      let row = table + component / tile * (3 * dimensions + 1) * tile + component % tile
      for k in 0..<dimensions { row[(3 * k + 2) * tile] = -.infinity }
      row[3 * dimensions * tile] = -.infinity
    }
  }

  private func restore(_ components: Set<Int>) {
    for tile in Set(components.map { $0 / VK_MIXTURE_TILE }) {
      vk_mixture_prepare(count, dimensions, means, logVariances, tile, tile + 1, table)
    }
  }
}
