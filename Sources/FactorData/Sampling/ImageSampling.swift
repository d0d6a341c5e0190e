import Diagnostics
import Foundation
import StrictConfiguration
import TensorCore

/// The section `sampling` of a data set: which images training sees, and how often.
///
/// Correlated factors follow Roth et al. 2023 (arXiv:2210.07347, §5): the weight of an image is
///
///     w = Π_pairs exp(−(c₁ − c₂)²/(2σ²)),   c = value/(size − 1)
///
/// with σ the strength of a pair (the smaller, the stronger); `inverse-gaussian` has 1 − c₂ for c₂, and `line` the weights of
/// the released code of Träuble et al. 2021 (arXiv:2006.07886), a drawn line of width σ that is blurred (`DrawnLine`).
/// Combinations of values may be left out altogether, as for a compositional split, and a fraction of the images may be chosen
/// by the seed. Reports and metrics are over the whole data set.
public struct ImageSampling: StrictlyDecodable, Sendable {
  /// How the factors of a pair go together.
  public enum Rule: String, CaseIterable, Sendable {
    /// Small with small.
    case gaussian
    /// Small with large.
    case inverseGaussian = "inverse-gaussian"
    /// Small with small, along a blurred line. Combinations far from it never occur.
    case line
  }

  /// Two factors that are correlated.
  public struct Pair: Sendable, Equatable {
    /// One factor.
    public let first: String
    /// The other.
    public let second: String
    /// σ.
    public let strength: Double
  }

  /// The rule of all pairs.
  public let rule: Rule
  /// The pairs.
  public let pairs: [Pair]
  /// Combinations of values that never occur, by the names of factors.
  public let excluded: [[String: Int]]
  /// The share of the images that may occur.
  public let fraction: Double

  /// Reads `rule`, `pairs`, `strengths`, `excluded` and `fraction`.
  public init(from section: inout ConfigurationSection) throws {
    rule = try section.choice("rule", default: .gaussian)
    let names = try section.optional("pairs") { try $0.strings($1, count: .atLeast(1)) } ?? []
    let strengths =
      try section.optional("strengths") { try $0.numbers($1, in: .moreThan(0), count: .atLeast(1)) } ?? []
    guard names.count == strengths.count else {
      throw section.error(
        "has \(strengths.count) numbers for \(names.count) pairs", at: "strengths", expected: "one for each pair")
    }
    var pairs: [Pair] = []
    for (name, strength) in zip(names, strengths) {
      let parts = name.split(separator: ":").map { $0.trimmingCharacters(in: .whitespaces) }
      guard parts.count == 2, parts[0] != parts[1], parts.allSatisfy({ !$0.isEmpty }) else {
        throw section.error("has the pair '\(name)'", at: "pairs", expected: "two factors, as scale:posX")
      }
      pairs.append(Pair(first: parts[0], second: parts[1], strength: strength))
    }
    self.pairs = pairs
    let texts = try section.optional("excluded") { try $0.strings($1, count: .atLeast(1)) } ?? []
    excluded = try texts.map { text in
      var values: [String: Int] = [:]
      for part in text.split(separator: ",") {
        let sides = part.split(separator: "=").map { $0.trimmingCharacters(in: .whitespaces) }
        guard sides.count == 2, let value = Int(sides[1]), value >= 0,
          values.updateValue(value, forKey: sides[0]) == nil
        else {
          throw section.error("has '\(text)'", at: "excluded", expected: "values of factors, as shape=0, scale=5")
        }
      }
      return values
    }
    fraction = try section.number("fraction", default: 1, in: .moreThan(0))
    guard fraction <= 1 else { throw section.error("is \(fraction)", at: "fraction", expected: "at most 1") }
  }

  /// How images are drawn from a data set.
  ///
  /// - Parameters:
  ///   - factors: the factors of its images.
  ///   - count: N.
  ///   - stream: where the choice of a fraction comes from.
  /// - Throws: `StructuredError` if a factor is not there or has unknown values, or no image is left.
  public func distribution(of factors: Factors, count: Int, stream: RandomStream) throws -> ImageDistribution {
    var weights: [Double]?
    for pair in pairs {
      let (first, second) = (try column(pair.first, factors), try column(pair.second, factors))
      var all = weights ?? [Double](repeating: 1, count: count)
      if rule == .line {
        let line = try DrawnLine(rows: first.size, columns: second.size, strength: pair.strength)
        for image in 0..<count {
          all[image] *= Double(line.pixels[Int(first.values[image]) * line.columns + Int(second.values[image])])
        }
      } else {
        let sizes = (Double(max(1, first.size - 1)), Double(max(1, second.size - 1)))
        for image in 0..<count {
          let a = Double(first.values[image]) / sizes.0, b = Double(second.values[image]) / sizes.1
          let distance = a - (rule == .gaussian ? b : 1 - b)
          all[image] *= exp(-distance * distance / (2 * pair.strength * pair.strength))
        }
      }
      weights = all
    }
    var isIncluded = [Bool](repeating: true, count: count)
    for combination in excluded {
      let columns = try combination.map { name, value in
        let column = try column(name, factors)
        guard value < column.size else {
          throw StructuredError(
            "the factor \"\(name)\" has no value \(value)", at: "dataset.sampling.excluded",
            expected: "0 to \(column.size - 1)")
        }
        return (column.values, Int32(value))
      }
      for image in 0..<count where columns.allSatisfy({ $0.0[image] == $0.1 }) { isIncluded[image] = false }
    }
    if fraction < 1 {
      var stream = stream.split("fraction")
      let kept = max(1, Int((fraction * Double(count)).rounded()))
      for image in stream.permutation(of: count).dropFirst(kept) { isIncluded[image] = false }
    }
    let images = (0..<count).filter { isIncluded[$0] && (weights?[$0] ?? 1) > 0 }
    guard !images.isEmpty else {
      throw StructuredError(
        "no image is left to train on", at: "dataset.sampling", expected: "at least one image",
        action: "Leave out fewer combinations of factors.")
    }
    return ImageDistribution(images: images, weights: weights.map { weights in images.map { weights[$0] } })
  }

  private func column(_ name: String, _ factors: Factors) throws -> (values: [Int32], size: Int) {
    guard let index = factors.names.firstIndex(of: name) else {
      throw StructuredError(
        "the data set has no factor \"\(name)\"", at: "dataset.sampling",
        expected: factors.isEmpty ? "a data set with factors" : "one of \(factors.names.joined(separator: ", "))",
        action: nearestName(to: name, among: factors.names).map { "Did you mean \($0)?" })
    }
    guard factors.unknownCounts[index] == 0 else {
      throw StructuredError(
        "the factor \"\(name)\" is unknown for \(factors.unknownCounts[index]) images", at: "dataset.sampling",
        expected: "a factor that is known for all images")
    }
    return (factors.column(index), factors.sizes[index])
  }
}

/// How often each image is drawn.
public struct ImageDistribution: Sendable {
  /// The images that occur, ascending.
  public let images: [Int]
  /// How often each occurs, up to a factor; nil where all of them are equally frequent.
  private let weights: [Double]?
  private let table: AliasTable?

  /// All images of a data set, equally often.
  public init(all count: Int) { self.init(images: Array(0..<count), weights: nil) }

  init(images: [Int], weights: [Double]?) {
    (self.images, self.weights) = (images, weights)
    table = weights.map(AliasTable.init)
  }

  /// The probability of each combination of values of two factors, `[values of the first][values of the second]`.
  ///
  /// - Precondition: both are known for all images.
  public func joint(_ first: Int, _ second: Int, of factors: Factors) -> [[Double]] {
    let sizes = factors.sizes, columns = (factors.column(first), factors.column(second))
    var joint = [[Double]](repeating: [Double](repeating: 0, count: sizes[second]), count: sizes[first]), total = 0.0
    for (place, image) in images.enumerated() {
      let weight = weights?[place] ?? 1
      joint[Int(columns.0[image])][Int(columns.1[image])] += weight
      total += weight
    }
    return joint.map { $0.map { $0 / total } }
  }

  /// The number of images that occur.
  public var count: Int { images.count }
  /// Whether all of them are equally frequent.
  public var isUniform: Bool { table == nil }

  /// Draws an image.
  public func draw(from stream: inout RandomStream) -> Int {
    let place = stream.integer(below: images.count)
    return images[table?.chosen(place, stream.uniform()) ?? place]
  }
}

/// Draws a number in proportion to weights by one uniform number of each kind (Walker 1977; the table by Vose 1991).
struct AliasTable: Sendable {
  private var thresholds: [Double]
  private var aliases: [Int]

  /// - Precondition: the weights are finite, none is negative and their sum is positive.
  init(_ weights: [Double]) {
    let mean = weights.reduce(0, +) / Double(weights.count)
    thresholds = weights.map { $0 / mean }
    aliases = Array(weights.indices)
    var small = weights.indices.filter { thresholds[$0] < 1 }, large = weights.indices.filter { thresholds[$0] >= 1 }
    var rest = thresholds
    while let low = small.last, let high = large.last {
      small.removeLast()
      (thresholds[low], aliases[low]) = (rest[low], high)
      rest[high] -= 1 - rest[low]
      if rest[high] < 1 {
        large.removeLast()
        small.append(high)
      }
    }
    // What rounding leaves is 1.
    for index in small + large { thresholds[index] = 1 }
  }

  /// The number that a place, uniform on all numbers, and a uniform number on [0, 1) choose.
  func chosen(_ place: Int, _ uniform: Double) -> Int { uniform < thresholds[place] ? place : aliases[place] }
}
