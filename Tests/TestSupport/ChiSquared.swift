/// Pearson's χ² of counts against the probabilities of their cells.
///
///     χ² = Σ_i (count_i − n·p_i)² / (n·p_i),   mean: degrees of freedom, variance: twice that
///
/// Cells that are expected less than five times go together, since their part does not follow the distribution. A count in
/// a cell of probability 0, or probabilities that do not add up to 1, make it infinite.
public struct ChiSquared: CustomStringConvertible {
  /// χ².
  public let value: Double
  /// The number of cells, less one.
  public let freedom: Double

  /// Compares counts with the probabilities of as many cells.
  public init(_ counts: [Int], _ probabilities: [Double]) {
    let total = Double(counts.reduce(0, +))
    var value = 0.0, cells = 0.0, rest = (count: 0.0, expected: 0.0)
    func add(_ count: Double, _ expected: Double) {
      value += (count - expected) * (count - expected) / expected
      cells += 1
    }
    for (count, p) in zip(counts, probabilities) {
      if p == 0 {
        if count > 0 { value = .infinity }
      } else if total * p < 5 {
        rest = (rest.count + Double(count), rest.expected + total * p)
      } else {
        add(Double(count), total * p)
      }
    }
    if rest.expected > 0 { add(rest.count, rest.expected) }
    let fits = counts.count == probabilities.count && abs(probabilities.reduce(0, +) - 1) < 1e-12
    (self.value, freedom) = (fits ? value : .infinity, cells - 1)
  }

  /// Counts of cells that should be equally frequent.
  public init(uniform counts: [Int]) {
    self.init(counts, [Double](repeating: 1 / Double(counts.count), count: counts.count))
  }

  /// By how many standard deviations the value differs from its mean. With many degrees of freedom, five are
  /// exceeded once in a million.
  public var deviations: Double { worst([(value - freedom) / (2 * freedom).squareRoot()]) }

  /// χ² and its degrees of freedom.
  public var description: String { "χ² = \(value) with \(freedom) degrees of freedom" }
}
