import Diagnostics
import TensorCore

/// A fixed part of the images whose factor values a semi-supervised objective may see (Locatello et al. 2020,
/// arXiv:1905.01258).
///
/// The part, and the batch of each step, are pure functions of a stream, so that a resumed run needs no state.
public struct LabelledPart: Sendable, Equatable {
  /// A batch of labelled images.
  public struct Batch: Sendable, Equatable {
    /// The images, [B].
    public let indices: [Int]
    /// The values of their factors, [B, K] in row-major order, from 0.
    public let values: [Int32]
  }

  /// The factors, [K].
  public let factors: [Factor]
  /// The labelled images, [n], ascending and distinct.
  public let indices: [Int]
  /// The values of their factors, [n, K] in row-major order, from 0.
  public let values: [Int32]

  private let stream: RandomStream

  /// Chooses the images, uniformly without repetition among those whose factors are all known.
  ///
  /// - Parameters:
  ///   - count: n, the number of labelled images.
  ///   - factors: the factors of the data set.
  ///   - stream: decides the choice and the batches.
  /// - Throws: `StructuredError` when the data set has no factors, or fewer than n images whose factors are all known.
  public init(_ count: Int, of factors: Factors, stream: RandomStream) throws {
    guard let images = factors.imageCount, !factors.isEmpty else {
      throw StructuredError(
        "the data set has no factors", expected: "factor values for a labelled part of the images",
        action: "Choose a data set whose factors are known, or an objective without supervision.")
    }
    // The candidates' indices; nil where all images are candidates.
    var known: [Int]?
    if case .table(let table) = factors, !factors.isComplete { known = (0..<images).filter(table.isComplete(at:)) }
    let candidates = known?.count ?? images
    guard count >= 1, count <= candidates else {
      throw StructuredError(
        "\(count) labelled images were asked for, but \(candidates) of \(images) have known values of all factors",
        expected: "1 to \(candidates)")
    }
    var choice = stream.split("labelled images")
    let chosen = choice.distinct(count, below: candidates).map { known?[$0] ?? $0 }.sorted()
    let columns = factors.list.indices.map { k in chosen.map { Int32(factors.value(of: k, at: $0) ?? 0) } }
    self.factors = factors.list
    indices = chosen
    values = chosen.indices.flatMap { row in columns.map { $0[row] } }
    self.stream = stream
  }

  /// The batch of a step: images drawn independently and uniformly from the part.
  ///
  /// - Parameters:
  ///   - size: B, which may be larger than the part.
  ///   - step: the step, counted from 0.
  public func batch(_ size: Int, at step: Int) -> Batch {
    var stream = stream.split("labelled batch", step)
    let width = factors.count
    let rows = (0..<size).map { _ in stream.integer(below: indices.count) }
    return Batch(
      indices: rows.map { indices[$0] }, values: rows.flatMap { values[$0 * width..<($0 + 1) * width] })
  }
}
