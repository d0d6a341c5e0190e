/// The candidate most likely meant by a misspelt name, or nil if none is near.
///
/// Near means an edit distance (insertions, deletions, substitutions, transpositions of adjacent characters; Damerau
/// 1964) of at most a third of the name's length, at least one. Otherwise the first candidate that contains the name or
/// is contained in it, if both have at least three characters. Case, hyphens and underscores are ignored.
public func nearestName(to name: String, among candidates: [String]) -> String? {
  func plain(_ text: String) -> [Character] { Array(text.lowercased().filter { $0 != "_" && $0 != "-" }) }
  let wanted = plain(name)
  let scored = candidates.map { (name: $0, distance: editDistance(wanted, plain($0))) }
  if let best = scored.min(by: { $0.distance < $1.distance }), best.distance <= max(1, wanted.count / 3) {
    return best.name
  }
  guard wanted.count >= 3 else { return nil }
  let text = String(wanted)
  return candidates.first { candidate in
    let other = String(plain(candidate))
    return other.count >= 3 && (other.contains(text) || text.contains(other))
  }
}

/// Edit distance with transpositions of adjacent characters (optimal string alignment), by dynamic programming.
private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
  var beforeLast: [Int] = []
  var last = Array(0...b.count)
  for i in 0..<a.count {
    var row = [i + 1]
    for j in 0..<b.count {
      var best = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, beforeLast[j - 1] + 1) }
      row.append(best)
    }
    (beforeLast, last) = (last, row)
  }
  return last[b.count]
}
