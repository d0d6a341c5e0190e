import TensorCore

/// The rows of a data set by the values of their factors.
///
/// A stored data set plays the part of a generative process from which one draws with one factor held fixed: the rows
/// that have a value of a factor, each with the same probability. On a full grid both are the same.
public struct FactorRows: Sendable {
  /// Of each factor, all rows sorted by its value, and where each value begins, `[K][N]` and `[K][size + 1]`.
  private let order: [[Int32]]
  private let starts: [[Int]]
  private let codes: LabeledCodes

  /// Sorts the rows by each factor, which takes O(N·K).
  public init(_ codes: LabeledCodes) {
    self.codes = codes
    let k = codes.factorCount
    var order: [[Int32]] = [], starts: [[Int]] = []
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
      order.append(sorted)
      starts.append(begin)
    }
    self.order = order
    self.starts = starts
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
  public func batch(sharing factor: Int, count: Int, stream: inout RandomStream) -> [Int] {
    let leader = stream.integer(below: codes.count)
    return (0..<count).map { _ in row(sharing: factor, with: leader, stream: &stream) }
  }
}
