import Diagnostics
import TensorCore

/// Pairs of images that share factors, for weakly supervised objectives (Locatello et al. 2020, arXiv:2002.02886, §4).
///
/// The first image of a pair is uniform over the images, or given. The second has the same values of all factors but k, which
/// are chosen without replacement and drawn anew. The pairs of a step are a pure function of the stream and the step, so that
/// a resumed run needs no state.
///
/// Where the images are not a full grid in order, the second image is uniform over the images that differ from the first in
/// exactly the chosen factors (``Redraw/otherValue``), or that agree with it in all others (``Redraw/anyValue``, the first
/// image among them). If there is no such image, or none but the first, k and the factors are drawn again. So combinations of
/// values may be missing and occur several times; on a full grid this is the same distribution. All values must be known, and
/// an image for which no choice of factors has a partner is an error before training begins.
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
    /// Whether the images of a pair share a factor, [B, K] in row-major order over all factors: true for the
    /// factors that were not chosen to change. By ``Redraw/anyValue``, a factor chosen to change may keep its value.
    public let shared: [Bool]
  }

  /// The factors, all of the data set's.
  public let factors: [Factor]

  /// The factors that take more than one value, as numbers below K.
  public let varying: [Int]

  /// Where second images are found.
  private enum Source: Sendable {
    case grid(FactorSpace)
    case table(PartnerIndex)
  }

  private let source: Source
  private let count: Int
  private let changedCount: ChangedCount
  private let redraw: Redraw
  private let stream: RandomStream

  /// Plans the pairs.
  ///
  /// - Parameters:
  ///   - factors: the factors of the data set, known for all images.
  ///   - changedCount: the number of factors that change in a pair.
  ///   - redraw: how the value of a changed factor is drawn.
  ///   - stream: decides the pairs.
  /// - Throws: `StructuredError` when there are no factors or unknown values, so many factors cannot change, or an image has
  ///   no partner.
  public init(
    _ factors: Factors, changing changedCount: ChangedCount, redraw: Redraw = .otherValue, stream: RandomStream
  ) throws {
    guard let imageCount = factors.imageCount else {
      throw StructuredError(
        "the data set has no factors", expected: "images whose factors are known",
        action: "Pairs that share factors need such a data set, as dsprites.")
    }
    for (factor, unknown) in zip(factors.list, factors.unknownCounts) where unknown > 0 {
      throw StructuredError(
        "the factor \"\(factor.name)\" is unknown for \(unknown) of \(imageCount) images",
        expected: "images whose factors are all known, for pairs that share factors")
    }
    let varying = factors.varying
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
    let sizes =
      switch changedCount {
      case .fixed(let k): [k]
      case .fixedOrOne(let k): [1, k]
      case .uniform, .uniformOrOne: Array(1..<varying.count)
      }
    switch factors {
    case .none: preconditionFailure("there are factors")
    case .grid(let space): source = .grid(space)
    case .table(let table):
      source = .table(try PartnerIndex(table, varying: varying, changing: sizes, redraw: redraw))
    }
    self.factors = factors.list
    (count, self.varying, self.changedCount, self.redraw) = (imageCount, varying, changedCount, redraw)
    self.stream = stream
  }

  /// The pairs of a step whose first images are drawn uniformly and independently.
  ///
  /// - Parameters:
  ///   - size: B.
  ///   - step: the step, counted from 0.
  public func pairs(_ size: Int, at step: Int) -> Pairs {
    var stream = stream.split("first images", step)
    return pairs(from: (0..<size).map { _ in stream.integer(below: count) }, at: step)
  }

  /// The pairs of a step whose first images are given.
  ///
  /// - Parameters:
  ///   - first: the first images, [B].
  ///   - step: the step, counted from 0.
  /// - Precondition: there are such images.
  public func pairs(from first: [Int], at step: Int) -> Pairs {
    var stream = stream.split("second images", step), second = first
    var shared = [Bool](repeating: true, count: first.count * factors.count)
    for (row, image) in first.enumerated() {
      precondition(image >= 0 && image < count, "there is no image \(image)")
      let changed: [Int]
      switch source {
      case .grid(let space):
        changed = changedFactors(&stream)
        for factor in changed {
          let old = space.value(of: factor, at: image)
          second[row] += (newValue(of: factor, old, &stream) - old) * space.strides[factor]
        }
      case .table(let index): (changed, second[row]) = partner(of: image, index, &stream)
      }
      for factor in changed { shared[row * factors.count + factor] = false }
    }
    return Pairs(first: first, second: second, shared: shared)
  }

  /// The factors that change in a pair.
  private func changedFactors(_ stream: inout RandomStream) -> [Int] {
    stream.distinct(changedCount(&stream), below: varying.count).map { varying[$0] }
  }

  /// The factors that change and the second image; factors without a second image are drawn again.
  private func partner(
    of image: Int, _ index: PartnerIndex, _ stream: inout RandomStream
  ) -> (changed: [Int], image: Int) {
    while true {
      let positions = stream.distinct(changedCount(&stream), below: varying.count)
      let mask = positions.reduce(PartnerIndex.Mask(0)) { $0 | 1 << PartnerIndex.Mask($1) }
      if let partner = index.partner(of: image, changing: mask, &stream) {
        return (positions.map { varying[$0] }, partner)
      }
    }
  }

  private func changedCount(_ stream: inout RandomStream) -> Int {
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
