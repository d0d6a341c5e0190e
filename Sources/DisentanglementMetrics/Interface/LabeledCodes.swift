import Diagnostics

/// The codes of N data points beside the generating factors they came from, by whatever model.
public struct LabeledCodes: Sendable {
  /// N.
  public let count: Int
  /// D.
  public let latents: Int
  /// The codes, `[N, D]` in row-major order, all finite.
  public let codes: [Float]
  /// The value of each factor for each data point, `[N, K]` in row-major order, from 0 to its size − 1.
  public let factors: [Int32]
  /// What the factors are called, `[K]`.
  public let factorNames: [String]
  /// How many values each factor can take, `[K]`.
  public let factorSizes: [Int]
  /// Whether the values of each factor are categories, which have no order, `[K]`.
  public let categoricalFactors: [Bool]

  /// K.
  public var factorCount: Int { factorNames.count }

  /// Checks and takes the arrays.
  ///
  /// - Parameters:
  ///   - codes: `[N, D]`.
  ///   - latents: D.
  ///   - factors: `[N, K]`.
  ///   - names: what the factors are called, `[K]`.
  ///   - sizes: how many values each factor can take, `[K]`; by default, one more than its largest value.
  ///   - categorical: whether the values of each factor are categories, `[K]`; by default, none is categorical.
  ///   - location: where the arrays come from, for messages.
  /// - Throws: `StructuredError` if they are empty or do not fit together, a code is not finite, or a value of a factor
  ///   is negative or not below the factor's size; it names the first such row and column.
  public init(
    codes: [Float], latents: Int, factors: [Int32], names: [String], sizes: [Int]? = nil, categorical: [Bool]? = nil,
    location: String? = nil
  ) throws {
    guard latents >= 1, !codes.isEmpty, codes.count % latents == 0 else {
      throw StructuredError(
        "\(codes.count) codes do not form rows of \(latents)", at: location,
        expected: "codes [N, D] with N ≥ 1 and D ≥ 1")
    }
    let count = codes.count / latents, k = names.count
    guard k >= 1, factors.count == count * k else {
      throw StructuredError(
        "\(factors.count) factor values do not form \(count) rows of \(k)", at: location,
        expected: "factors [N, K], a row for each of the \(count) rows of codes")
    }
    if let bad = codes.firstIndex(where: { !$0.isFinite }) {
      throw StructuredError(
        "codes[\(bad / latents), \(bad % latents)] is \(codes[bad])", at: location, expected: "finite codes",
        action: "Indices count from 0. Check that training did not diverge.")
    }
    var largest = [Int32](repeating: 0, count: k)
    for (i, value) in factors.enumerated() {
      guard value >= 0 else {
        throw StructuredError(
          "factors[\(i / k), \(i % k)] is \(value)", at: location, expected: "whole numbers from 0",
          action: "Factors are indices of values: 0, 1, 2, ….")
      }
      largest[i % k] = max(largest[i % k], value)
    }
    let sizes = sizes ?? largest.map { Int($0) + 1 }
    guard sizes.count == k else {
      throw StructuredError("there are \(sizes.count) sizes for \(k) factors", at: location, expected: "\(k) sizes")
    }
    if let categorical, categorical.count != k {
      throw StructuredError(
        "there are kinds of \(categorical.count) factors for \(k) factors", at: location, expected: "\(k) kinds")
    }
    for j in 0..<k where Int(largest[j]) >= sizes[j] {
      throw StructuredError(
        "factor \"\(names[j])\" has the value \(largest[j])", at: location,
        expected: "values below its size, \(sizes[j])")
    }
    self.count = count
    self.latents = latents
    self.codes = codes
    self.factors = factors
    factorNames = names
    factorSizes = sizes
    categoricalFactors = categorical ?? [Bool](repeating: false, count: k)
  }

  /// The values of one factor, `[N]`.
  public func values(ofFactor factor: Int) -> [Int32] { (0..<count).map { factors[$0 * factorCount + factor] } }

  /// The values of one latent, `[N]`.
  public func values(ofLatent latent: Int) -> [Float] { (0..<count).map { codes[$0 * latents + latent] } }

  /// Some of the data points, in the order asked for.
  public func rows(_ indices: [Int]) -> LabeledCodes {
    LabeledCodes(
      codes: indices.flatMap { codes[$0 * latents..<($0 + 1) * latents] },
      factors: indices.flatMap { factors[$0 * factorCount..<($0 + 1) * factorCount] }, like: self, count: indices.count)
  }

  private init(codes: [Float], factors: [Int32], like other: LabeledCodes, count: Int) {
    self.count = count
    latents = other.latents
    self.codes = codes
    self.factors = factors
    factorNames = other.factorNames
    factorSizes = other.factorSizes
    categoricalFactors = other.categoricalFactors
  }
}
