import TensorCore

/// The rows of a data set by the values of their factors.
///
/// A stored data set plays the part of a generative process from which one draws with one factor held fixed: the rows
/// that have a value of a factor, each with the same probability. On a full grid both are the same. Where combinations of
/// values are missing, or several rows have the same one, the other factors are drawn as often as they occur in the rows
/// with that value, and the value itself as often as it occurs. A value that a single row has cannot be held fixed while
/// the others vary: ``drawableRows(factor:)`` leaves it out.
public struct FactorRows: Sendable {
  /// Of each factor, all rows sorted by its value, and where each value begins, `[K][N]` and `[K][size + 1]`.
  private let order: [[Int32]]
  private let starts: [[Int]]
  /// Of each factor, the rows whose value another row has, too, ascending; nil where these are all rows.
  private let shared: [[Int32]?]
  private let codes: LabeledCodes

  /// Sorts the rows by each factor, which takes O(N·K).
  public init(_ codes: LabeledCodes) {
    self.codes = codes
    let k = codes.factorCount
    var order: [[Int32]] = [], starts: [[Int]] = [], shared: [[Int32]?] = []
    for factor in 0..<k {
      var begin = [Int](repeating: 0, count: codes.factorSizes[factor] + 1)
      for row in 0..<codes.count { begin[Int(codes.factors[row * k + factor]) + 1] += 1 }
      for value in 1..<begin.count { begin[value] += begin[value - 1] }
      var sorted = [Int32](repeating: 0, count: codes.count), next = begin
      for row in 0..<codes.count {
        let value = Int(codes.factors[row * k + factor])
        sorted[next[value]] = Int32(row)
        next[value] += 1
      }
      let isSingle = (1..<begin.count).map { begin[$0] - begin[$0 - 1] == 1 }
      shared.append(
        isSingle.contains(true)
          ? (0..<codes.count).filter { !isSingle[Int(codes.factors[$0 * k + factor])] }.map { Int32($0) } : nil)
      order.append(sorted)
      starts.append(begin)
    }
    self.order = order
    self.starts = starts
    self.shared = shared
  }

  /// How many rows have a value of a factor that another row has, too.
  public func drawableCount(factor: Int) -> Int { shared[factor]?.count ?? codes.count }

  /// The rows that have a value of a factor that another row has, too, ascending.
  public func drawableRows(factor: Int) -> [Int] { shared[factor]?.map { Int($0) } ?? Array(0..<codes.count) }

  /// A row whose value of a factor another row has, too; all such rows are equally likely.
  ///
  /// - Precondition: there is one.
  public func drawableRow(factor: Int, stream: inout RandomStream) -> Int {
    guard let rows = shared[factor] else { return stream.integer(below: codes.count) }
    return Int(rows[stream.integer(below: rows.count)])
  }

  /// The rows that have a value of a factor, ascending.
  public func rows(factor: Int, value: Int) -> [Int] {
    order[factor][starts[factor][value]..<starts[factor][value + 1]].map { Int($0) }
  }

  /// How many rows have a value of a factor.
  public func count(factor: Int, value: Int) -> Int { starts[factor][value + 1] - starts[factor][value] }

  /// A row that shares a factor's value with another row; it may be that row itself.
  public func row(sharing factor: Int, with row: Int, stream: inout RandomStream) -> Int {
    let value = Int(codes.factors[row * codes.factorCount + factor])
    let first = starts[factor][value]
    return Int(order[factor][first + stream.integer(below: starts[factor][value + 1] - first)])
  }

  /// Rows that all share one value of a factor: the value is that of a random row, the rows are drawn independently.
  ///
  /// - Precondition: two rows share a value of the factor.
  public func batch(sharing factor: Int, count: Int, stream: inout RandomStream) -> [Int] {
    let leader = drawableRow(factor: factor, stream: &stream)
    return (0..<count).map { _ in row(sharing: factor, with: leader, stream: &stream) }
  }
}

extension FactorRows {
  /// Those of some factors of which two rows share a value, with sentences about the rows that cannot be drawn.
  func drawable(among factors: [Int]) -> (factors: [Int], notes: [String]) {
    let drawable = factors.filter { drawableCount(factor: $0) > 0 }
    let notes = factors.compactMap { factor -> String? in
      let name = codes.factorNames[factor], single = codes.count - drawableCount(factor: factor)
      if single == codes.count { return "No two data points share a value of the factor \(name), which is left out." }
      return single == 0
        ? nil
        : "\(single) of \(codes.count) data points have a value of the factor \(name) that no other has, and are not "
          + "drawn while it is held fixed."
    }
    return (drawable, notes)
  }
}
