import StrictConfiguration
import TensorCore

extension LabeledCodes {
  /// The factors of which at least two values occur; of the others there is nothing to know.
  public var varyingFactors: [Int] {
    (0..<factorCount).filter { factor in
      (1..<max(count, 1)).contains { factors[$0 * factorCount + factor] != factors[factor] }
    }
  }

  /// The latents that are not constant.
  public var varyingLatents: [Int] {
    (0..<latents).filter { latent in
      (1..<max(count, 1)).contains { codes[$0 * latents + latent] != codes[latent] }
    }
  }

  /// A sample of the rows: `points` distinct ones in random order, or all in their order where there are no more.
  ///
  /// disentanglement_lib draws independently from the factors' grid; of dSprites' 737,280 rows some 70 of 10,000 such
  /// draws repeat another.
  public func sampledRows(_ points: Int, stream: RandomStream) -> [Int] {
    guard points < count else { return Array(0..<count) }
    var stream = stream
    return stream.distinct(points, below: count)
  }

  /// A note that names the factors with a single value, which metrics leave out; nil if there is none.
  var noteOnSingleValues: String? {
    let varying = Set(varyingFactors)
    let single = (0..<factorCount).filter { !varying.contains($0) }.map { factorNames[$0] }
    guard !single.isEmpty else { return nil }
    return single.count == 1
      ? "The factor \(single[0]) has a single value and is left out."
      : "The factors \(single.joined(separator: ", ")) have a single value each and are left out."
  }
}

/// Why scores are undefined, as sentences.
enum Undefined {
  static let noFactor = "No factor takes more than one value, so there is nothing to predict."
  static let constantCodes = "Every latent is constant, so the codes carry no information."
  static let oneFactor = "A single factor varies; this score compares several."
  static let nothingShared = "No two data points share a value of a factor that varies."
  static let onePoint = "There is a single data point."
}

extension LabeledCodes {
  /// A sample of `points` data points as ``sampledRows(_:stream:)`` draws them; 0 for all.
  public func sample(_ points: Int, stream: RandomStream) -> LabeledCodes {
    points == 0 || points >= count ? self : rows(sampledRows(points, stream: stream))
  }
}

extension ConfigurationSection {
  /// Reads `points`, how many data points a metric looks at: disentanglement_lib's 10,000, fewer, or all (0).
  mutating func points(_ preset: MetricPreset, fast: Int = 5_000) throws -> Int {
    let value =
      switch preset {
      case .dlib: 10_000
      case .fast: fast
      case .exact: 0
      }
    return try integer("points", default: value, in: .atLeast(0))
  }

  /// Reads `bootstrap`, how many bootstrap replicates a standard error comes from; fewer than 2 give none.
  mutating func bootstrap(_ preset: MetricPreset, exact: Int = 20) throws -> Int {
    try integer("bootstrap", default: preset == .dlib ? 50 : preset == .fast ? 20 : exact, in: .within(0...10_000))
  }

  /// Reads `bins`, how many bins of equal width each latent is put into.
  mutating func bins() throws -> Int { try integer("bins", default: 20, in: .within(2...10_000)) }
}
