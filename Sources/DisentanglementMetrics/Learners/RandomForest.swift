import Diagnostics
import TensorCore

/// A random forest: scikit-learn's `RandomForestClassifier` with its defaults (Breiman 2001, "Random Forests").
///
/// Trees on bootstrap samples, split by Gini's index on a random choice of ⌊√D⌋ features at each node until all leaves are
/// pure; the prediction is the class with the largest mean of leaf frequencies; importances are the trees' mean decreases
/// of impurity, each normalised, averaged. Random numbers are other ones than scikit-learn's, so importances agree
/// within sampling error only.
public struct RandomForest: Classifier {
  /// How many trees.
  public var trees = 100
  /// The largest depth; nil for none.
  public var depth: Int?

  /// scikit-learn's defaults, or other settings.
  public init(trees: Int = 100, depth: Int? = nil) { (self.trees, self.depth) = (trees, depth) }

  /// A forest.
  public struct Model: ClassifierModel {
    /// A tree, and the class frequencies of each of its nodes, `[nodes, K]`; zero where a node is not a leaf.
    struct Member: Sendable {
      var tree: DecisionTree
      var frequencies: [Double]
    }

    /// The classes, ascending, `[K]`.
    public let classes: [Int32]
    /// Importances with sum 1, `[D]`; zero if no tree has split.
    public let importances: [Double]?
    let members: [Member]

    /// The mean class frequencies, `[N, K]`; of two classes the second's less ½, `[N, 1]`.
    public func decisionValues(_ rows: FeatureMatrix, device: Device) -> [Double] {
      let k = classes.count, features = rows.features, floats = rows.values.map { Float($0) }
      var sums = [Double](repeating: 0, count: rows.count * k)
      sums.withUnsafeMutableBufferPointer { sums in
        nonisolated(unsafe) let sums = sums
        floats.withUnsafeBufferPointer { floats in
          device.forEachRange(rows.count, grain: 64) { _, range in
            for member in members {
              member.tree.forEachLeaf(floats, features: features, range) { row, node in
                for j in 0..<k { sums[row * k + j] += member.frequencies[node * k + j] }
              }
            }
          }
        }
      }
      let scale = 1 / Double(max(1, members.count))
      guard k == 2 else { return sums.map { $0 * scale } }
      return (0..<rows.count).map { sums[$0 * 2 + 1] * scale - 0.5 }
    }
  }

  /// Grows the forest.
  public func fit(_ rows: FeatureMatrix, labels: [Int32], stream: RandomStream, device: Device) throws -> Model {
    let index = try ClassIndex(labels)
    // A sample with replacement has three fifths of the classes and more, and the tree a leaf for each of them.
    try index.requireMemory(
      for: "the class frequencies of \(trees) trees", values: saturatingProduct(trees, index.classes.count / 2))
    let sorted = SortedRows(rows)
    let limits = TreeGrower.Limits(
      depth: depth ?? .max, features: max(1, Int(Double(rows.features).squareRoot())))
    let growers = (0..<device.threads).map { _ in
      TreeGrower(capacity: rows.count, rows: rows.count, features: rows.features)
    }
    let members = try device.map(trees) { worker, t in
      var stream = stream.split("tree", t)
      var times = [Int](repeating: 0, count: rows.count)
      for _ in 0..<rows.count { times[stream.integer(below: rows.count)] += 1 }
      var criterion = GiniIndex(labels: index.positions, classes: index.classes.count)
      let tree = growers[worker].grow(SortedRows(sorted, times: times), &criterion, limits, &stream)
      var frequencies = [Double](repeating: 0, count: tree.nodes.count * index.classes.count)
      for (row, count) in times.enumerated() where count > 0 {
        let leaf = Int(growers[worker].leaves[row])
        frequencies[leaf * index.classes.count + index.positions[row]] +=
          Double(count) / Double(tree.nodes[leaf].count)
      }
      return Model.Member(tree: tree, frequencies: frequencies)
    }
    var importances = [Double](repeating: 0, count: rows.features)
    for member in members {
      let own = member.tree.importances(features: rows.features), sum = own.reduce(0, +)
      if sum > 0 { for f in own.indices { importances[f] += own[f] / sum } }
    }
    let sum = importances.reduce(0, +)
    return Model(
      classes: index.classes, importances: importances.map { sum > 0 ? $0 / sum : 0 }, members: members)
  }
}
