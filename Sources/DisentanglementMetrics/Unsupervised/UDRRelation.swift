/// What ``UDR`` means by a relation between latents of two runs.
public enum UDRRelation: String, Sendable, CaseIterable {
  /// The absolute coefficients of a Lasso regression, α = 0.1, of each standardised latent of the second run on those of
  /// the first, converged (scikit-learn's `Lasso`, which dlib takes, stops some 1e-4 earlier).
  case lasso
  /// The absolute rank correlation.
  case spearman

  /// Some latents of a run, ready to be related: `[kept][N]`, of mean 0 and variance 1 unless they are constant.
  func prepare(_ codes: [[Double]], _ kept: [Int]) -> [[Double]] {
    kept.map { Self.standardized(self == .spearman ? Self.ranks(codes[$0]) : codes[$0]) }
  }

  /// The strength of the relation of each latent of one run with each of another, `[A, B]`.
  func matrix(_ a: [[Double]], _ b: [[Double]]) -> [Double] {
    guard let count = a.first?.count, count > 0, !b.isEmpty else { return [] }
    switch self {
    case .lasso:
      let rows = FeatureMatrix((0..<count).flatMap { n in a.map { $0[n] } }, features: a.count)
      let models = Lasso(alpha: 0.1).fit(rows, targets: b)
      return a.indices.flatMap { feature in models.map { abs($0.weights[feature]) } }
    case .spearman:
      return a.flatMap { x in b.map { y in abs(zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }) / Double(count) } }
    }
  }

  /// The ranks of values, from 1; equal ones share the mean of theirs.
  static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count), first = 0
    while first < order.count {
      var last = first
      while last + 1 < order.count, values[order[last + 1]] == values[order[first]] { last += 1 }
      for position in first...last { ranks[order[position]] = Double(first + last) / 2 + 1 }
      first = last + 1
    }
    return ranks
  }

  /// The values with mean 0 and variance 1 (divisor N); zeros if they are all the same.
  static func standardized(_ values: [Double]) -> [Double] {
    let count = Double(max(values.count, 1)), mean = values.reduce(0, +) / count
    let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
    // A constant whose mean was rounded does not vary.
    let varies = deviation > 1e-12 * abs(mean)
    return values.map { varies ? ($0 - mean) / deviation : 0 }
  }
}
