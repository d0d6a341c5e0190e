import Diagnostics

/// An objective's state of one number for each name, as it is saved and restored.
struct ScalarState {
  /// The numbers, in the order of the names.
  let values: [Double]

  /// Takes the numbers of exactly these names.
  ///
  /// - Throws: `StructuredError` if a name is missing or unexpected, or has another count of numbers.
  init(_ state: [String: [Double]], _ names: [String]) throws {
    guard Set(state.keys) == Set(names), state.values.allSatisfy({ $0.count == 1 && $0[0].isFinite }) else {
      let found =
        state.isEmpty
        ? "nothing" : state.keys.sorted().map { "\($0) (\(state[$0]?.count ?? 0))" }.joined(separator: ", ")
      throw StructuredError(
        "the objective's state is \(found)", expected: "one finite number for each of \(names.joined(separator: ", "))")
    }
    values = names.compactMap { state[$0]?.first }
  }
}
