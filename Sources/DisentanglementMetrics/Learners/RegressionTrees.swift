import CVectorKernels
import TensorCore

/// Grows regression trees on several residuals at once, level by level, with splits of least squared error.
///
///     gain = s²·N/(n·(N − n))
///
/// with the sum s of r − r̄ over those n of a node's N rows that go left: by so much Σ(r − r̄)² falls, Friedman's
/// improvement (Friedman 2001, "Greedy Function Approximation", Eq. 35). As in scikit-learn (1.9, `DepthFirstTreeBuilder`
/// and `BestSplitter`) each node visits the features in random order, and of equally good splits the first wins.
///
/// Several trees lie side by side in a block, as many as a vector has lanes: one walk along a sorted feature looks for
/// splits in all of them. Features, blocks and pieces of the rows are shared among threads; no result depends on how.
final class RegressionTrees {
  /// How many trees a block has.
  let lanes: Int
  /// How many blocks there are.
  let blocks: Int
  /// The largest depth: the nodes of a level are numbered in a byte.
  static let depths = 0...8
  /// How many rows a thread takes at once.
  private static let piece = 2_048

  /// Of some rows: how many, Σr, Σr² and Σ|r|(1 − |r|).
  private typealias Sums = SIMD4<Double>

  private let device: Device
  private let features: Int
  private let rows: Int
  private let trees: Int
  private let depth: Int
  private let streams: (_ round: Int, _ tree: Int) -> RandomStream
  /// The features, `[N, D]`, in single precision, as in scikit-learn.
  private let values: UnsafeMutablePointer<Float>
  /// The rows in ascending order of each feature, and its values in that order, `[D, N]`.
  private let order: UnsafeMutablePointer<Int32>
  private let sorted: UnsafeMutablePointer<Float>
  /// The node of its level that each row is in, `[blocks, N, lanes]`.
  private let nodeOf: UnsafeMutablePointer<UInt8>
  /// r less the mean of its node, `[blocks, N, lanes]`.
  private let centered: UnsafeMutablePointer<Double>

  // Of the nodes, level by level, `[blocks, nodes, lanes]`. The children of node i are 2i + 1 and 2i + 2.
  private let sums: UnsafeMutablePointer<Sums>
  private let counts: UnsafeMutablePointer<Double>
  private let means: UnsafeMutablePointer<Double>
  /// The feature that a node is split by, and the largest value that goes left: infinity if it is not split, so that all its
  /// rows go left, and its leaf is found in the last level too.
  private let feature: UnsafeMutablePointer<Int32>
  private let lower: UnsafeMutablePointer<Float>
  private let threshold: UnsafeMutablePointer<Double>
  /// What the nodes of the last level say, `[blocks, 2^depth, lanes]`.
  private let leafValues: UnsafeMutablePointer<Double>

  // The best splits along each feature, `[D, blocks, nodes of a level, lanes]`.
  private let bestGain: UnsafeMutablePointer<Double>
  private let bestLower: UnsafeMutablePointer<Float>
  private let bestUpper: UnsafeMutablePointer<Float>
  /// The sums of pieces of the rows, `[blocks, pieces, nodes of a level, lanes]`.
  private let pieceSums: UnsafeMutablePointer<Sums>

  private var nodesOfTree: Int { (2 << depth) - 1 }
  private var leaves: Int { 1 << depth }
  private var pieces: Int { (rows + Self.piece - 1) / Self.piece }

  /// Sorts the features and reserves memory.
  ///
  /// - Parameters:
  ///   - matrix: the features, `[N, D]`.
  ///   - trees: how many grow at once.
  ///   - depth: the largest depth of a node; the root's is 0.
  ///   - device: whose threads do the work.
  ///   - streams: the random numbers of a tree, which decide among equally good splits.
  init(
    _ matrix: FeatureMatrix, trees: Int, depth: Int, device: Device,
    streams: @escaping (_ round: Int, _ tree: Int) -> RandomStream
  ) {
    precondition(Self.depths.contains(depth), "trees of depth \(depth)")
    self.device = device
    self.trees = trees
    self.depth = depth
    self.streams = streams
    (rows, features) = (matrix.count, matrix.features)
    lanes = vk_tree_lanes(device.level.code)
    blocks = (trees + lanes - 1) / lanes
    let width = blocks * lanes, nodes = width * ((2 << depth) - 1), leaves = width << depth
    let table = SortedRows(matrix)
    values = .allocate(capacity: rows * features)
    order = .allocate(capacity: rows * features)
    sorted = .allocate(capacity: rows * features)
    nodeOf = .allocate(capacity: width * rows)
    centered = .allocate(capacity: width * rows)
    sums = .allocate(capacity: nodes)
    counts = .allocate(capacity: nodes)
    means = .allocate(capacity: nodes)
    feature = .allocate(capacity: nodes)
    lower = .allocate(capacity: nodes)
    threshold = .allocate(capacity: nodes)
    leafValues = .allocate(capacity: leaves)
    bestGain = .allocate(capacity: features * leaves)
    bestLower = .allocate(capacity: features * leaves)
    bestUpper = .allocate(capacity: features * leaves)
    pieceSums = .allocate(capacity: leaves * ((rows + Self.piece - 1) / Self.piece))
    for (i, value) in matrix.values.enumerated() { values[i] = Float(value) }
    for (i, entry) in table.entries.enumerated() { (order[i], sorted[i]) = (entry.row, entry.value) }
  }

  deinit {
    for buffer in [values, sorted, lower, bestLower, bestUpper] { buffer.deallocate() }
    for buffer in [centered, counts, means, threshold, leafValues, bestGain] { buffer.deallocate() }
    for buffer in [sums, pieceSums] { buffer.deallocate() }
    for buffer in [order, feature] { buffer.deallocate() }
    nodeOf.deallocate()
  }

  /// Grows the trees of a round.
  ///
  /// - Parameters:
  ///   - residuals: r, `[blocks, N, lanes]`; 0 in lanes without a tree.
  ///   - round: which random numbers to take.
  ///   - value: what a leaf says, given Σr and Σ|r|(1 − |r|) of its rows.
  func grow(
    _ residuals: UnsafePointer<Double>, round: Int, value: (_ sum: Double, _ weight: Double) -> Double
  ) -> [DecisionTree] {
    nodeOf.update(repeating: 0, count: blocks * rows * lanes)
    sumUp(residuals, level: 0)
    let streams = (0..<trees).map { self.streams(round, $0) }
    for level in 0..<depth {
      findSplits(residuals, level)
      for tree in 0..<trees {
        for node in 0..<1 << level { chooseSplit(level, node, tree, streams[tree]) }
      }
      sumUp(residuals, level: level + 1)
    }
    leafValues.update(repeating: 0, count: blocks * leaves * lanes)
    return (0..<trees).map { tree in
      var result = DecisionTree()
      append(tree, level: 0, node: 0, to: &result, value)
      return result
    }
  }

  /// Adds what the trees say about each row, times a factor, to numbers `[blocks, N, lanes]`.
  func add(_ factor: Double, to result: UnsafeMutablePointer<Double>) {
    forEachPiece { block, _, range in
      let leafValues = leafValues + block * leaves * lanes
      for row in range {
        let at = (block &* rows &+ row) &* lanes
        for lane in 0..<lanes {
          result[at &+ lane] += factor * leafValues[Int(nodeOf[at &+ lane]) &* lanes &+ lane]
        }
      }
    }
  }

  private func forEachPiece(_ body: (_ block: Int, _ piece: Int, _ range: Range<Int>) -> Void) {
    try? device.forEachItem(blocks * pieces) { _, item in
      let piece = item % pieces
      body(item / pieces, piece, piece * Self.piece..<min(rows, (piece + 1) * Self.piece))
    }
  }

  /// Where the nodes of a level begin in arrays of nodes.
  private func first(_ block: Int, _ level: Int) -> Int { (block * nodesOfTree + (1 << level) - 1) * lanes }

  /// Moves the rows from their nodes in the level above to those in this level, and adds up the residuals of each node.
  private func sumUp(_ residuals: UnsafePointer<Double>, level: Int) {
    let width = lanes << level
    forEachPiece { block, piece, range in
      let pieceSums = pieceSums + (block * pieces + piece) * width, at = (block * rows + range.lowerBound) * lanes
      pieceSums.update(repeating: Sums(), count: width)
      let parents = level > 0 ? first(block, level - 1) : nil
      pieceSums.withMemoryRebound(to: Double.self, capacity: 4 * width) { sums in
        vk_tree_descend(
          device.level.code, range.count, features, values + range.lowerBound * features, parents.map { feature + $0 },
          parents.map { lower + $0 }, residuals + at, nodeOf + at, sums)
      }
    }
    for block in 0..<blocks {
      let first = first(block, level)
      for i in 0..<width {
        sums[first + i] = (0..<pieces).reduce(Sums()) { $0 + pieceSums[(block * pieces + $1) * width + i] }
        (counts[first + i], means[first + i]) = (sums[first + i][0], sums[first + i][1] / sums[first + i][0])
        (feature[first + i], lower[first + i], threshold[first + i]) = (0, .infinity, 0)
      }
    }
  }

  /// Finds the best split of each node of a level along each feature.
  private func findSplits(_ residuals: UnsafePointer<Double>, _ level: Int) {
    let nodes = 1 << level, width = lanes << level
    forEachPiece { block, _, range in
      let means = means + first(block, level)
      for row in range {
        let at = (block &* rows &+ row) &* lanes
        for lane in 0..<lanes {
          centered[at &+ lane] = residuals[at &+ lane] - means[Int(nodeOf[at &+ lane]) &* lanes &+ lane]
        }
      }
    }
    try? device.forEachItem(features * blocks) { _, item in
      let f = item / blocks, block = item % blocks, first = first(block, level)
      let gain = bestGain + item * width
      for i in 0..<width {
        let sums = sums[first + i]
        gain[i] = sums[0] >= 2 && impurity(sums) > Double.ulpOfOne ? -1 : .infinity
      }
      guard (0..<width).contains(where: { gain[$0] < 0 }) else { return }
      vk_tree_splits(
        device.level.code, rows, order + f * rows, sorted + f * rows, centered + block * rows * lanes,
        level == 0 ? nil : nodeOf + block * rows * lanes, 0, Int32(nodes), counts + first, gain,
        bestLower + item * width, bestUpper + item * width)
    }
  }

  /// Splits a node of a tree along the best feature, if there is one.
  private func chooseSplit(_ level: Int, _ node: Int, _ tree: Int, _ stream: RandomStream) {
    let block = tree / lanes, lane = tree % lanes, width = lanes << level
    let at = first(block, level) + node * lanes + lane
    var best = 0.0, found: Int?
    var stream = stream.split("node", (1 << level) - 1 + node)
    for f in stream.permutation(of: features) {
      let i = (f * blocks + block) * width + node * lanes + lane
      guard bestGain[i] >= 0, bestGain[i] < .infinity, found == nil || bestGain[i] > best else { continue }
      (best, found) = (bestGain[i], i)
      feature[at] = Int32(f)
    }
    guard let found else { return }
    lower[at] = bestLower[found]
    // The mean of two different floats is exact in double precision, and lies strictly between them.
    threshold[at] = Double(bestLower[found]) / 2 + Double(bestUpper[found]) / 2
  }

  private func impurity(_ sums: Sums) -> Double {
    let mean = sums[1] / sums[0]
    return sums[2] / sums[0] - mean * mean
  }

  /// Appends a node and all below it to a tree, and says what the leaves say.
  @discardableResult
  private func append(
    _ tree: Int, level: Int, node: Int, to result: inout DecisionTree,
    _ value: (_ sum: Double, _ weight: Double) -> Double
  ) -> Int32 {
    let block = tree / lanes, lane = tree % lanes
    let at = first(block, level) + node * lanes + lane, index = result.nodes.count
    var entry = DecisionTree.Node()
    entry.count = Int(sums[at][0])
    entry.impurity = impurity(sums[at])
    result.nodes.append(entry)
    if lower[at] == .infinity {
      entry.value = value(sums[at][1], sums[at][3])
      leafValues[(block * leaves + node << (depth - level)) * lanes + lane] = entry.value
    } else {
      entry.feature = feature[at]
      entry.threshold = threshold[at]
      entry.left = append(tree, level: level + 1, node: 2 * node, to: &result, value)
      entry.right = append(tree, level: level + 1, node: 2 * node + 1, to: &result, value)
    }
    result.nodes[index] = entry
    return Int32(index)
  }
}
