/// What ``UDR`` means by a relation between latents of two runs.
public enum UDRRelation: String, Sendable, CaseIterable {
  /// The absolute rank correlation.
  case spearman

  /// Some latents of a run, ready to be related: `[kept][N]`.
  func prepare(_ codes: [[Double]], _ kept: [Int]) -> [[Double]] {
    switch self {
    case .spearman: kept.map { Self.standardized(Self.ranks(codes[$0])) }
    }
  }

  /// The strength of the relation of each latent of one run with each of another, `[A, B]`.
  func matrix(_ a: [[Double]], _ b: [[Double]]) -> [Double] {
    switch self {
    case .spearman:
      a.flatMap { x in
        b.map { y in abs(zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }) / Double(max(x.count, 1)) }
      }
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
    return values.map { deviation > 0 ? ($0 - mean) / deviation : 0 }
  }
}
