extension Sequence where Element: Hashable {
  /// The first element that is equal to an earlier one; nil if all are different.
  package var firstRepeated: Element? {
    var seen: Set<Element> = []
    return first { !seen.insert($0).inserted }
  }
}
