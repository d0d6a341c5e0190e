import CVectorKernels
import Diagnostics
import Foundation
import TensorCore

/// Gradient-boosted trees: scikit-learn's `GradientBoostingClassifier`, by which DCI is defined.
///
/// The raw scores F of K classes begin at the log priors less their mean. In each round every class k gets a regression
/// tree of depth 3 on the residuals rₖ = [y = k] − pₖ, p = softmax(F), with splits of least squared error
/// (`RegressionTrees`), and each leaf adds
///
///     0.1 · (K − 1)/K · Σr / Σ|r|(1 − |r|)
///
/// to Fₖ of its rows (Friedman 2001, "Greedy Function Approximation: A Gradient Boosting Machine", Algorithm 6). Two
/// classes need one tree a round, on r = y − p, p = 1/(1 + exp(−F)), without the factor (K − 1)/K (Algorithm 5).
///
/// Without ties between splits the trees are scikit-learn's to rounding (`gbt_small`: 10⁻¹²). With ties (equally good
/// splits on several features are common where factors have many values) the order in which features are visited
/// decides, which is random there and here: importances of factors with 32 and 40 values then differ by some 0.01, as they
/// do between two seeds of scikit-learn.
public struct GradientBoosting: Classifier {
  /// How many rounds.
  public var rounds = 100
  /// What each leaf's step is multiplied by.
  public var learningRate = 0.1
  /// The depth of the trees, 0 to 8.
  public var depth = 3

  /// scikit-learn's defaults, or other settings.
  public init(rounds: Int = 100, learningRate: Double = 0.1, depth: Int = 3) {
    (self.rounds, self.learningRate, self.depth) = (rounds, learningRate, depth)
  }

  /// Boosted trees.
  public struct Model: ClassifierModel {
    /// The classes, ascending, `[K]`.
    public let classes: [Int32]
    /// The raw scores that boosting begins with, `[K]`; of two classes only the second's.
    public let initial: [Double]
    /// The trees, `[rounds][K]`; of two classes only the second's. Leaf values are before the learning rate.
    public let trees: [[DecisionTree]]
    /// The mean decrease of impurity by each feature, averaged over the trees that split at all, with sum 1, `[D]`;
    /// zero if none did.
    public let importances: [Double]?
    /// The mean of −log p of the training rows after each round, in nats, `[rounds]`.
    public let losses: [Double]
    /// The predicted classes of the training rows, `[N]`.
    public let trainingPredictions: [Int32]
    let learningRate: Double

    /// The raw scores F, `[N, K]`, or `[N, 1]` for two classes.
    public func decisionValues(_ rows: FeatureMatrix, device: Device) -> [Double] {
      rawScores(rows, rounds: trees.count, device: device)
    }

    /// The raw scores after some rounds.
    public func rawScores(_ rows: FeatureMatrix, rounds: Int, device: Device) -> [Double] {
      let k = initial.count, features = rows.features, floats = rows.values.map { Float($0) }
      // Columns, so that a tree's scores lie together.
      var scores = initial.flatMap { [Double](repeating: $0, count: rows.count) }
      let count = rows.count
      scores.withUnsafeMutableBufferPointer { scores in
        nonisolated(unsafe) let scores = scores
        floats.withUnsafeBufferPointer { floats in
          device.forEachRange(count, grain: 64) { _, range in
            for round in trees.prefix(rounds) {
              for (j, tree) in round.enumerated() {
                tree.nodes.withUnsafeBufferPointer { nodes in
                  tree.forEachLeaf(floats, features: features, range) { row, node in
                    scores[j * count + row] += learningRate * nodes[node].value
                  }
                }
              }
            }
          }
        }
      }
      return (0..<count).flatMap { row in (0..<k).map { scores[$0 * count + row] } }
    }

    /// `predict` as scikit-learn has it: of two classes the second also at a raw score of exactly 0.
    public func predict(_ rows: FeatureMatrix, device: Device) -> [Int32] {
      classes.count > 2
        ? predictions(from: decisionValues(rows, device: device))
        : decisionValues(rows, device: device).map { classes[$0 >= 0 ? 1 : 0] }
    }
  }

  /// Grows the trees.
  public func fit(_ rows: FeatureMatrix, labels: [Int32], stream: RandomStream, device: Device) throws -> Model {
    let index = try ClassIndex(labels)
    try index.requireMemory(
      for: "the scores of \(Format.grouped(rows.count)) data points", values: saturatingProduct(3, rows.count))
    let columns = index.classes.count == 2 ? 1 : index.classes.count
    let grower = RegressionTrees(rows, trees: columns, depth: depth, device: device) { round, k in
      stream.split("tree", round * columns + k)
    }
    let state = BoostingState(index, rows: rows.count, grower: grower)
    var trees: [[DecisionTree]] = [], losses: [Double] = []
    for round in 0..<rounds {
      let loss = state.takeResiduals(device)
      if round > 0 { losses.append(loss) }
      trees.append(state.grow(round: round, learningRate: learningRate))
    }
    if rounds > 0 { losses.append(state.takeResiduals(device)) }

    let split = trees.joined().filter { $0.nodes.count > 1 }
    var importances = [Double](repeating: 0, count: rows.features)
    for tree in split {
      for (f, value) in tree.importances(features: rows.features).enumerated() { importances[f] += value }
    }
    let sum = importances.reduce(0, +)
    return Model(
      classes: state.index.classes, initial: state.initial, trees: trees,
      importances: importances.map { sum > 0 ? $0 / sum : 0 }, losses: losses,
      trainingPredictions: state.predictions(), learningRate: learningRate)
  }
}

/// Raw scores and residuals while boosting.
///
/// Sendable is not checked by the compiler because of the arrays behind pointers. They belong to one call of `fit`, whose
/// threads write to parts that no other touches: rows of their own in each call of `forEachRange` and of the trees' `add`,
/// which return when all have finished.
private final class BoostingState: @unchecked Sendable {
  let index: ClassIndex
  let initial: [Double]
  let rows: Int
  private let grower: RegressionTrees
  /// F, and r, each `[blocks, N, lanes]` with column k in lane k mod lanes of block k / lanes, as ``RegressionTrees`` has
  /// it; 0 in lanes without a column. Of two classes only the second has a column.
  private let scores: UnsafeMutablePointer<Double>
  private let residuals: UnsafeMutablePointer<Double>
  private let losses: UnsafeMutablePointer<Double>
  /// The positions of the rows' classes, `[N]`.
  private let labels: UnsafeMutablePointer<Int32>

  init(_ index: ClassIndex, rows: Int, grower: RegressionTrees) {
    self.index = index
    self.rows = rows
    self.grower = grower
    let logPriors = index.counts.map { log(Double($0) / Double(rows)) }
    if logPriors.count == 2 {
      initial = [logPriors[1] - logPriors[0]]
    } else {
      let mean = logPriors.reduce(0, +) / Double(logPriors.count)
      initial = logPriors.map { $0 - mean }
    }
    let values = grower.blocks * grower.lanes * rows
    scores = .allocate(capacity: values)
    residuals = .allocate(capacity: values)
    losses = .allocate(capacity: rows)
    labels = .allocate(capacity: rows)
    scores.initialize(repeating: 0, count: values)
    residuals.initialize(repeating: 0, count: values)
    for n in 0..<rows {
      labels[n] = Int32(index.positions[n])
      for k in initial.indices { scores[place(n, k)] = initial[k] }
    }
  }

  deinit {
    scores.deallocate()
    residuals.deallocate()
    losses.deallocate()
    labels.deallocate()
  }

  /// Where a column has a row.
  private func place(_ row: Int, _ column: Int) -> Int {
    (column / grower.lanes * rows + row) * grower.lanes + column % grower.lanes
  }

  /// Computes the residuals from the scores.
  ///
  /// - Returns: the mean loss at these scores.
  func takeResiduals(_ device: Device) -> Double {
    device.forEachRange(rows, grain: 64) { _, range in
      let first = range.lowerBound, at = first * grower.lanes
      guard initial.count == 1 else {
        return vk_tree_residuals(
          device.level.code, range.count, initial.count, rows * grower.lanes, scores + at, labels + first,
          residuals + at, losses + first)
      }
      for n in range {
        let at = place(n, 0), score = scores[at], isSecond = labels[n] == 1
        residuals[at] = (isSecond ? 1 : 0) - 1 / (1 + exp(-score))
        // log(1 + exp(F)) − y·F, without overflow.
        losses[n] = max(score, 0) + log1p(exp(-abs(score))) - (isSecond ? score : 0)
      }
    }
    return (0..<rows).reduce(0) { $0 + losses[$1] } / Double(rows)
  }

  /// Grows the trees of a round and adds them to the scores.
  func grow(round: Int, learningRate: Double) -> [DecisionTree] {
    let columns = initial.count, factor = columns == 1 ? 1 : Double(columns - 1) / Double(columns)
    // Where every row is certain no step helps.
    let trees = grower.grow(residuals, round: round) { $1 < 1e-150 ? 0 : factor * $0 / $1 }
    grower.add(learningRate, to: scores)
    return trees
  }

  /// The classes that the scores stand for.
  func predictions() -> [Int32] {
    (0..<rows).map { n in
      if initial.count == 1 { return index.classes[scores[place(n, 0)] >= 0 ? 1 : 0] }
      var best = 0
      for k in initial.indices where scores[place(n, k)] > scores[place(n, best)] { best = k }
      return index.classes[best]
    }
  }
}
