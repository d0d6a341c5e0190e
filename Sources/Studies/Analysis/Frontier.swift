import TensorCore

/// The Pareto frontier of points in the rate–distortion plane, where less is better in both.
///
/// A point is dominated if another is at most as large in both coordinates and smaller in one. Equal points do not dominate
/// each other. Points with a coordinate that is not finite are left out and counted.
public struct Frontier: Sendable, Equatable {
  /// The points that are not dominated, by ascending rate, and so by descending distortion; equal ones in their own order.
  public var indices: [Int]
  /// How many points were left out.
  public var missing: Int

  /// Finds the frontier of N points, in O(N log N).
  ///
  /// - Parameters:
  ///   - rates: `[N]`.
  ///   - distortions: `[N]`.
  /// - Precondition: both have the same length.
  public init(rates: [Double], distortions: [Double]) {
    requireFit(
      rates.count == distortions.count, "Frontier", "\(rates.count) rates have \(distortions.count) distortions")
    let order = rates.indices.filter { rates[$0].isFinite && distortions[$0].isFinite }
      .sorted { (rates[$0], distortions[$0], $0) < (rates[$1], distortions[$1], $1) }
    indices = []
    for point in order {
      // Points before it have at most its rate: those that do not dominate it are above it, or equal to it.
      if let last = indices.last, distortions[point] >= distortions[last] {
        guard rates[point] == rates[last], distortions[point] == distortions[last] else { continue }
      }
      indices.append(point)
    }
    missing = rates.count - order.count
  }
}
