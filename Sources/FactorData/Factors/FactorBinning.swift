import StrictConfiguration

/// How the continuous values of a factor become the values 0 ..< count: the section `bins` of the data set `file`.
///
/// By `width`, the interval from the smallest to the largest value m … M is cut into parts of equal width,
///
///     bin(v) = min(⌊(v − m)/(M − m)·count⌋, count − 1),
///
/// and a factor whose values are all the same has the bin 0. By `frequency`, bins hold as many values as possible alike: of n
/// known values,
///
///     bin(v) = ⌊(number of smaller values)·count/n⌋,
///
/// so that equal values have the same bin and some bins may be empty. Unknown values stay unknown and count nowhere.
public struct FactorBinning: StrictlyDecodable, Sendable, Equatable {
  /// What is equal among bins.
  public enum Rule: String, CaseIterable, Sendable {
    /// Their widths.
    case width
    /// The numbers of images in them, as far as equal values permit.
    case frequency
  }

  /// The number of bins.
  public var count: Int
  /// What is equal among them.
  public var rule: Rule

  /// Describes bins.
  ///
  /// - Precondition: `count ≥ 2`.
  public init(count: Int = 10, rule: Rule = .width) {
    precondition(count >= 2, "values are put into at least two bins")
    (self.count, self.rule) = (count, rule)
  }

  /// Reads `count` and `rule`.
  public init(from section: inout ConfigurationSection) throws {
    count = try section.integer("count", default: 10, in: .within(2...1_000_000))
    rule = try section.choice("rule", default: .width)
  }

  /// The bins of values; ``FactorTable/unknown`` for NaN.
  ///
  /// - Precondition: no value is infinite.
  public func bins(_ values: [Double]) -> [Int32] {
    switch rule {
    case .width:
      let known = values.lazy.filter { !$0.isNaN }
      guard let least = known.min(), let most = known.max() else { return values.map { _ in FactorTable.unknown } }
      // Halves, so that the range of very large values is finite.
      let range = most / 2 - least / 2
      return values.map { value in
        if value.isNaN { return FactorTable.unknown }
        return range > 0 ? Int32(min(Int((value / 2 - least / 2) / range * Double(count)), count - 1)) : 0
      }
    case .frequency:
      var bins = [Int32](repeating: FactorTable.unknown, count: values.count), smaller = 0
      let order = values.indices.filter { !values[$0].isNaN }.sorted { values[$0] < values[$1] }
      for (rank, place) in order.enumerated() {
        if rank > 0, values[order[rank - 1]] < values[place] { smaller = rank }
        bins[place] = Int32(smaller * count / order.count)
      }
      return bins
    }
  }
}
