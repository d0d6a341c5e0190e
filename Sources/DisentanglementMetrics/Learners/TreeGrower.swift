import TensorCore

/// Whether two neighbouring values are far enough apart to split between them: by more than 10⁻⁷, in single precision,
/// as in scikit-learn.
@inline(__always)
func differ(_ lower: SortedRow, _ upper: SortedRow) -> Bool { upper.value > lower.value + 1e-7 }

/// Grows the trees of random forests as scikit-learn's depth-first builder does (Breiman et al. 1984, "Classification and
/// Regression Trees"; scikit-learn 1.9, `DepthFirstTreeBuilder` and `BestSplitter`).
///
/// The features are visited in random order at each node, and of equally good splits the one visited first wins. Nothing
/// is sorted on the way: the sorted columns are partitioned down the tree, which keeps their order.
///
/// One grower serves one thread; its buffers are reused from tree to tree.
final class TreeGrower {
  /// What limits growth.
  struct Limits {
    /// The largest depth; the root has depth 0.
    var depth: Int
    /// How many features a node looks at; more, if all of these are constant among its rows.
    var features: Int
  }

  private let features: Int
  private let capacity: Int
  /// The columns of nodes at odd depths and of those at even depths below the root, `[D, capacity]` each.
  private let buffers: [UnsafeMutablePointer<SortedRow>]
  private let goesLeft: UnsafeMutablePointer<UInt8>
  /// The node in which each row ended, `[N]`, of the tree grown last.
  private(set) var leaves: [Int32]

  /// Reserves buffers.
  ///
  /// - Parameters:
  ///   - capacity: the largest number of entries in a column.
  ///   - rows: the number of different rows.
  ///   - features: D.
  init(capacity: Int, rows: Int, features: Int) {
    self.features = features
    self.capacity = capacity
    buffers = (0..<2).map { _ in .allocate(capacity: capacity * features) }
    goesLeft = .allocate(capacity: rows)
    leaves = [Int32](repeating: 0, count: rows)
  }

  deinit {
    for buffer in buffers { buffer.deallocate() }
    goesLeft.deallocate()
  }

  /// The sorted columns of a level of the tree; feature f begins at `base + f·stride`.
  private struct Columns {
    var base: UnsafePointer<SortedRow>
    var stride: Int

    func rows(_ feature: Int, _ range: Range<Int>) -> UnsafeBufferPointer<SortedRow> {
      UnsafeBufferPointer(start: base + feature * stride + range.lowerBound, count: range.count)
    }
  }

  /// Grows a tree.
  func grow(
    _ sorted: SortedRows, _ criterion: inout GiniIndex, _ limits: Limits, _ stream: inout RandomStream
  ) -> DecisionTree {
    precondition(sorted.count <= capacity && sorted.features == features, "the grower has other buffers")
    var tree = DecisionTree()
    sorted.entries.withUnsafeBufferPointer { entries in
      guard let base = entries.baseAddress else { return }
      let columns = Columns(base: base, stride: sorted.count)
      _ = grow(columns, 0..<sorted.count, depth: 0, &tree, &criterion, limits, &stream)
    }
    return tree
  }

  /// Grows the subtree of a range of the columns and returns its node.
  private func grow(
    _ columns: Columns, _ range: Range<Int>, depth: Int, _ tree: inout DecisionTree, _ criterion: inout GiniIndex,
    _ limits: Limits, _ stream: inout RandomStream
  ) -> Int32 {
    let index = tree.nodes.count
    var node = DecisionTree.Node()
    node.count = range.count
    node.impurity = criterion.begin(columns.rows(0, range))
    tree.nodes.append(node)
    guard depth < limits.depth, range.count >= 2, node.impurity > Double.ulpOfOne,
      let split = bestSplit(columns, range, &criterion, limits, &stream)
    else {
      for entry in columns.rows(0, range) { leaves[Int(entry.row)] = Int32(index) }
      return Int32(index)
    }
    let chosen = columns.rows(split.feature, range)
    node.feature = Int32(split.feature)
    // The mean of two different floats is exact in double precision, and lies strictly between them.
    node.threshold = Double(chosen[split.position - 1].value) / 2 + Double(chosen[split.position].value) / 2
    for (i, entry) in chosen.enumerated() { goesLeft[Int(entry.row)] = i < split.position ? 1 : 0 }
    // Nodes at the largest depth need to know their rows, in any order.
    let target = buffers[depth & 1], middle = range.lowerBound + split.position
    for feature in 0..<(depth + 1 < limits.depth ? features : 1) {
      partition(columns.rows(feature, range), into: target + feature * capacity, range.lowerBound, middle)
    }
    let next = Columns(base: target, stride: capacity)
    node.left = grow(next, range.lowerBound..<middle, depth: depth + 1, &tree, &criterion, limits, &stream)
    node.right = grow(next, middle..<range.upperBound, depth: depth + 1, &tree, &criterion, limits, &stream)
    tree.nodes[index] = node
    return Int32(index)
  }

  private func bestSplit(
    _ columns: Columns, _ range: Range<Int>, _ criterion: inout GiniIndex, _ limits: Limits,
    _ stream: inout RandomStream
  ) -> (feature: Int, position: Int)? {
    var best: (feature: Int, position: Int)?
    var gain = -Double.infinity, visited = 0, varying = 0
    for feature in stream.permutation(of: features) {
      if visited >= limits.features, varying > 0 { break }
      visited += 1
      let rows = columns.rows(feature, range)
      guard differ(rows[0], rows[rows.count - 1]) else { continue }
      varying += 1
      if let split = criterion.bestSplit(rows), split.gain > gain {
        gain = split.gain
        best = (feature, split.position)
      }
    }
    return best
  }

  /// Puts the rows that go left at `left` and following places, those that go right at `right`, in their order.
  private func partition(
    _ rows: UnsafeBufferPointer<SortedRow>, into target: UnsafeMutablePointer<SortedRow>, _ left: Int, _ right: Int
  ) {
    var left = left, right = right
    for entry in rows {
      // Without a branch, since which way a row goes cannot be predicted.
      let goes = Int(goesLeft[Int(entry.row)])
      target[right ^ ((left ^ right) & -goes)] = entry
      left += goes
      right += 1 - goes
    }
  }
}
