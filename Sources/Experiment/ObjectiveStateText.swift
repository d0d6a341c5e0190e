import Diagnostics

/// The state of an objective as the text of a checkpoint's metadata: a line for each name, with the shortest decimal
/// texts that read back exactly.
enum ObjectiveStateText {
  /// The key in the metadata.
  static let key = "objective.state"

  /// The text; nil for no state.
  static func write(_ state: [String: [Double]]) -> String? {
    if state.isEmpty { return nil }
    return state.sorted { $0.key < $1.key }.map { name, values in
      precondition(!name.contains { $0 == "=" || $0.isNewline }, "a name of state is one word")
      return "\(name)=" + values.map { "\($0)" }.joined(separator: " ")
    }.joined(separator: "\n")
  }

  /// The state of a text.
  ///
  /// - Throws: `StructuredError` if it is none.
  static func read(_ text: String?, at path: String) throws -> [String: [Double]] {
    var state: [String: [Double]] = [:]
    for line in (text ?? "").split(separator: "\n") {
      let halves = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let values = halves.last.map { $0.split(separator: " ").map { Double($0) } } ?? []
      guard halves.count == 2, values.allSatisfy({ $0 != nil }) else {
        throw StructuredError(
          "the objective's state is damaged: \"\(line.prefix(80))\"", at: path, expected: "a name and its numbers",
          action: "Delete the checkpoint to train from the beginning with --resume, or restore a copy.")
      }
      state[String(halves[0])] = values.compactMap { $0 }
    }
    return state
  }
}
