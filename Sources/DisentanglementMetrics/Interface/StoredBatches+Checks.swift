import Diagnostics

extension StoredBatches {
  /// How many of the batches train, the first two thirds; the others evaluate.
  public var trainCount: Int { min((2 * factors.count + 2) / 3, factors.count - 1) }

  /// Makes sure that the batches are of these data.
  ///
  /// - Parameters:
  ///   - codes: the data.
  ///   - pairs: whether the batches must have partners.
  /// - Throws: `StructuredError` if there are fewer than two batches, their arrays do not fit together, a factor or row
  ///   is not of the data, or the members of a batch do not share the value of its factor.
  public func check(against codes: LabeledCodes, pairs: Bool) throws {
    guard factors.count >= 2, rows.count == factors.count, partners.map({ $0.count == rows.count }) ?? !pairs else {
      throw StructuredError(
        "there are \(factors.count) factors, \(rows.count) batches and \(partners?.count ?? 0) batches of partners",
        at: "stored batches", expected: "as many of each, and at least two")
    }
    func value(_ row: Int, _ factor: Int) -> Int32 { codes.factors[row * codes.factorCount + factor] }
    for (v, factor) in factors.enumerated() {
      guard (0..<codes.factorCount).contains(factor) else {
        throw StructuredError(
          "batch \(v) has the factor \(factor)", at: "stored batches", expected: "0 to \(codes.factorCount - 1)")
      }
      let members = rows[v], others = partners?[v] ?? members
      guard members.count >= (pairs ? 1 : 2), members.count == others.count else {
        throw StructuredError(
          "batch \(v) has \(members.count) rows and \(others.count) partners", at: "stored batches",
          expected: pairs ? "as many of both" : "at least two rows")
      }
      if let bad = (members + others).first(where: { !(0..<codes.count).contains($0) }) {
        throw StructuredError(
          "batch \(v) has the row \(bad)", at: "stored batches", expected: "0 to \(codes.count - 1)")
      }
      let agrees =
        pairs
        ? zip(members, others).allSatisfy { value($0, factor) == value($1, factor) }
        : members.allSatisfy { value($0, factor) == value(members[0], factor) }
      guard agrees else {
        throw StructuredError(
          "the rows of batch \(v) differ in the factor \(codes.factorNames[factor])", at: "stored batches",
          expected: "one value of it", action: "Row numbers count from 0 in the order of the codes.")
      }
    }
  }
}
