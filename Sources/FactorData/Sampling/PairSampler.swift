import Diagnostics
import TensorCore

/// Pairs of images that share factors, for weakly supervised objectives (Locatello et al. 2020, arXiv:2002.02886, §4).
///
/// The first image of a pair is uniform over the grid, or given. The second has the same values of all factors but k, which
/// are chosen without replacement and drawn anew. The pairs of a step are a pure function of the stream and the step, so that
/// a resumed run needs no state.
///
/// Factors with a single value cannot change. They are shared by all pairs and do not count below.
public struct PairSampler: Sendable {
  /// The number k of factors that change in a pair, of K that take more than one value.
  public enum ChangedCount: Sendable, Equatable {
    /// Always k, from 1 to K.
    case fixed(Int)
    /// Uniform on 1 … K − 1 for each pair.
    case uniform
    /// k or 1, each with probability ½ for each pair: disentanglement_lib's `simple_dynamics`, which draws values by
    /// ``Redraw/anyValue``.
    case fixedOrOne(Int)
    /// Uniform on 1 … K − 1 or 1, each with probability ½ for each pair: `simple_dynamics` without a given k.
    case uniformOrOne
  }

  /// How the value of a changed factor is drawn.
  public enum Redraw: String, Sendable, CaseIterable {
    /// Uniform over all values of the factor; the new value may equal the old one.
    case anyValue = "any"
    /// Uniform over the other values of the factor; the new value differs.
    case otherValue = "other"
  }

  /// The pairs of a step.
  public struct Pairs: Sendable, Equatable {
    /// The first images, [B].
    public let first: [Int]
    /// The second images, [B].
    public let second: [Int]
    /// Whether the images of a pair share a factor, [B, K] in row-major order over all factors of the grid: true for the
    /// factors that were not chosen to change. By ``Redraw/anyValue``, a factor chosen to change may keep its value.
    public let shared: [Bool]
  }

  /// The factors, all of the grid's.
  public let factors: [Factor]

  /// The factors that take more than one value, as numbers below K.
  public let varying: [Int]

  private let space: FactorSpace
  private let changedCount: ChangedCount
  private let redraw: Redraw
  private let stream: RandomStream

  /// Plans the pairs.
  ///
  /// - Parameters:
  ///   - factors: the factors of the data set, a full grid.
  ///   - changedCount: the number of factors that change in a pair.
  ///   - redraw: how the value of a changed factor is drawn.
  ///   - stream: decides the pairs.
  /// - Throws: `StructuredError` when the images are not a full grid, or so many factors cannot change.
  public init(
    _ factors: Factors, changing changedCount: ChangedCount, redraw: Redraw = .otherValue, stream: RandomStream
  ) throws {
    guard let space = factors.grid else {
      throw StructuredError(
        "the images are not the full grid of their factors", expected: "every combination of factor values, in order",
        action: "Pairs that share factors need such a data set, as dsprites.")
    }
    let varying = space.factors.indices.filter { space.factors[$0].size > 1 }
    switch changedCount {
    case .fixed(let k), .fixedOrOne(let k):
      guard k >= 1, k <= varying.count else {
        throw StructuredError(
          "\(k) factors cannot change in a pair", expected: "1 to \(varying.count), the number of factors that vary")
      }
    case .uniform, .uniformOrOne:
      guard varying.count >= 2 else {
        throw StructuredError(
          "a random number of factors cannot change in a pair",
          expected: "at least 2 factors that vary, not \(varying.count)")
      }
    }
    self.factors = space.factors
    (self.space, self.varying, self.changedCount, self.redraw) = (space, varying, changedCount, redraw)
    self.stream = stream
  }

  /// The pairs of a step whose first images are drawn uniformly and independently.
  ///
  /// - Parameters:
  ///   - count: B.
  ///   - step: the step, counted from 0.
  public func pairs(_ count: Int, at step: Int) -> Pairs {
    var stream = stream.split("first images", step)
    return pairs(from: (0..<count).map { _ in stream.integer(below: space.count) }, at: step)
  }

  /// The pairs of a step whose first images are given.
  ///
  /// - Parameters:
  ///   - first: the first images, [B].
  ///   - step: the step, counted from 0.
  /// - Precondition: the images are in the grid.
  public func pairs(from first: [Int], at step: Int) -> Pairs {
    var stream = stream.split("second images", step), second = first
    var shared = [Bool](repeating: true, count: first.count * factors.count)
    for (row, index) in first.enumerated() {
      precondition(index >= 0 && index < space.count, "image \(index) is outside the grid")
      for position in stream.distinct(count(&stream), below: varying.count) {
        let factor = varying[position], old = space.value(of: factor, at: index)
        second[row] += (newValue(of: factor, old, &stream) - old) * space.strides[factor]
        shared[row * factors.count + factor] = false
      }
    }
    return Pairs(first: first, second: second, shared: shared)
  }

  private func count(_ stream: inout RandomStream) -> Int {
    switch changedCount {
    case .fixed(let k): k
    case .uniform: 1 + stream.integer(below: varying.count - 1)
    case .fixedOrOne(let k): stream.integer(below: 2) == 0 ? 1 : k
    case .uniformOrOne: stream.integer(below: 2) == 0 ? 1 : 1 + stream.integer(below: varying.count - 1)
    }
  }

  private func newValue(of factor: Int, _ old: Int, _ stream: inout RandomStream) -> Int {
    switch redraw {
    case .anyValue: return stream.integer(below: factors[factor].size)
    case .otherValue:
      let value = stream.integer(below: factors[factor].size - 1)
      return value < old ? value : value + 1
    }
  }
}
