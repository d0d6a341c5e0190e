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
  static let noFactor = "No factor takes more than one value, so there is nothing that codes could tell apart."
  static let constantCodes = "Every latent is constant, so the codes say nothing."
  static let oneFactor = "A single factor varies; this score compares several."
  static let onePoint = "There is a single data point."
}
