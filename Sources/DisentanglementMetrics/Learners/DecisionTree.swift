/// A binary tree of questions "is feature f at most t?".
public struct DecisionTree: Sendable {
  /// A node. Nodes are numbered depth first, left before right; node 0 is the root.
  public struct Node: Sendable {
    /// The feature asked about; −1 in a leaf.
    public var feature: Int32 = -1
    /// The child where the feature is at most the threshold; −1 in a leaf.
    public var left: Int32 = -1
    /// The other child; −1 in a leaf.
    public var right: Int32 = -1
    /// The threshold.
    public var threshold = 0.0
    /// What a leaf predicts.
    public var value = 0.0
    /// The impurity of the rows that reach it.
    public var impurity = 0.0
    /// How many rows reach it.
    public var count = 0
  }

  /// The nodes.
  public internal(set) var nodes: [Node] = []

  /// The decrease of impurity by the splits on each feature, weighted by the share of rows that reach them, `[D]`.
  ///
  ///     importance_f = Σ_{nodes that ask about f} (n·impurity − n_left·impurity_left − n_right·impurity_right)/N
  public func importances(features: Int) -> [Double] {
    var result = [Double](repeating: 0, count: features)
    for node in nodes where node.feature >= 0 {
      let left = nodes[Int(node.left)], right = nodes[Int(node.right)]
      result[Int(node.feature)] +=
        Double(node.count) * node.impurity - Double(left.count) * left.impurity - Double(right.count) * right.impurity
    }
    return result.map { $0 / Double(nodes[0].count) }
  }

  /// The leaf that each of some rows reaches: calls `body` with row and node.
  ///
  /// - Parameters:
  ///   - rows: features `[N, D]` in single precision, row-major.
  ///   - range: which of them.
  @inline(__always)
  func forEachLeaf(
    _ rows: UnsafeBufferPointer<Float>, features: Int, _ range: Range<Int>, _ body: (_ row: Int, _ node: Int) -> Void
  ) {
    nodes.withUnsafeBufferPointer { nodes in
      for row in range {
        let base = row * features
        var node = 0
        while nodes[node].feature >= 0 {
          let goesLeft = Double(rows[base + Int(nodes[node].feature)]) <= nodes[node].threshold
          node = Int(goesLeft ? nodes[node].left : nodes[node].right)
        }
        body(row, node)
      }
    }
  }
}
