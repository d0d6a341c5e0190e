/// Rows by their labels, the labels in the order of their first rows.
struct Grouping<Label: Hashable> {
  /// The distinct labels, `[G]`.
  let labels: [Label]
  /// The position of each row's label among them, `[N]`.
  let indices: [Int]
  /// The rows of each label, ascending.
  let members: [[Int]]

  /// Groups rows by their labels, `[N]`.
  init(_ rows: [Label]) {
    var positions: [Label: Int] = [:], labels: [Label] = [], members: [[Int]] = []
    indices = rows.enumerated().map { row, label in
      let position = positions[label] ?? labels.count
      if position == labels.count {
        positions[label] = position
        labels.append(label)
        members.append([])
      }
      members[position].append(row)
      return position
    }
    self.labels = labels
    self.members = members
  }
}
