import Diagnostics
import Foundation
import TensorCore

/// Gradient-boosted trees: scikit-learn's `GradientBoostingClassifier`, by which DCI is defined.
///
/// The raw scores F of K classes begin at the log priors less their mean. In each round every class k gets a regression
/// tree of depth 3 on the residuals rₖ = [y = k] − pₖ, p = softmax(F), with splits of least squared error
/// (`SquaredError`), and each leaf adds
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
  /// The depth of the trees.
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
      for: "the scores of \(Format.grouped(rows.count)) data points", values: saturatingProduct(2, rows.count))
    let state = BoostingState(index, rows: rows.count)
    let sorted = SortedRows(rows), columns = state.columns,
      limits = TreeGrower.Limits(depth: depth, features: rows.features)
    let growers = (0..<device.threads).map { _ in
      TreeGrower(capacity: rows.count, rows: rows.count, features: rows.features)
    }
    var trees: [[DecisionTree]] = [], losses: [Double] = []
    for round in 0..<rounds {
      let loss = state.takeResiduals(device)
      if round > 0 { losses.append(loss) }
      let grown = try device.map(columns) { worker, k in
        var stream = stream.split("tree", round * columns + k)
        return state.grow(k, sorted, growers[worker], limits, learningRate: learningRate, &stream)
      }
      trees.append(grown)
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

/// Raw scores and residuals while boosting. Threads write to different rows or different columns.
///
/// Sendable is not checked by the compiler because of the arrays behind pointers. They belong to one call of `fit`, whose
/// threads write to parts that no other touches: rows or classes of their own in each call of `forEachRange` and
/// `forEachItem`, which return when all have finished.
private final class BoostingState: @unchecked Sendable {
  let index: ClassIndex
  let initial: [Double]
  let rows: Int
  /// 1 for two classes, else K.
  let columns: Int
  /// F, `[columns, N]`.
  private let scores: UnsafeMutablePointer<Double>
  /// r, `[columns, N]`.
  private let residuals: UnsafeMutablePointer<Double>
  private let losses: UnsafeMutablePointer<Double>
  private let reciprocals: UnsafeMutablePointer<Double>

  init(_ index: ClassIndex, rows: Int) {
    self.index = index
    self.rows = rows
    let logPriors = index.counts.map { log(Double($0) / Double(rows)) }
    if logPriors.count == 2 {
      initial = [logPriors[1] - logPriors[0]]
    } else {
      let mean = logPriors.reduce(0, +) / Double(logPriors.count)
      initial = logPriors.map { $0 - mean }
    }
    columns = initial.count
    scores = .allocate(capacity: columns * rows)
    residuals = .allocate(capacity: columns * rows)
    losses = .allocate(capacity: rows)
    reciprocals = .allocate(capacity: rows + 1)
    for k in 0..<columns { (scores + k * rows).initialize(repeating: initial[k], count: rows) }
    for n in 0...rows { reciprocals[n] = 1 / Double(max(1, n)) }
  }

  deinit {
    scores.deallocate()
    residuals.deallocate()
    losses.deallocate()
    reciprocals.deallocate()
  }

  /// Computes the residuals from the scores.
  ///
  /// - Returns: the mean loss at these scores.
  func takeResiduals(_ device: Device) -> Double {
    let grain = 64
    device.forEachRange(rows, grain: grain) { _, range in
      if columns == 1 {
        for n in range {
          let score = scores[n], second = index.positions[n] == 1
          let p = 1 / (1 + exp(-score))
          residuals[n] = (second ? 1 : 0) - p
          // log(1 + exp(F)) − y·F, without overflow.
          losses[n] = max(score, 0) + log1p(exp(-abs(score))) - (second ? score : 0)
        }
      } else {
        for start in stride(from: range.lowerBound, to: range.upperBound, by: grain) {
          softmax(start..<min(start + grain, range.upperBound))
        }
      }
    }
    return (0..<rows).reduce(0) { $0 + losses[$1] } / Double(rows)
  }

  /// Residuals and losses of some rows, a column at a time.
  private func softmax(_ range: Range<Int>) {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * range.count) { scratch in
      let first = range.lowerBound, count = range.count
      let largest = UnsafeMutableBufferPointer(rebasing: scratch[..<count])
      let sums = UnsafeMutableBufferPointer(rebasing: scratch[count...])
      for i in 0..<count { (largest[i], sums[i]) = (scores[first + i], 0) }
      for k in 1..<columns { for i in 0..<count { largest[i] = max(largest[i], scores[k * rows + first + i]) } }
      for k in 0..<columns {
        for i in 0..<count {
          let power = exp(scores[k * rows + first + i] - largest[i])
          residuals[k * rows + first + i] = -power
          sums[i] += power
        }
      }
      for i in 0..<count {
        let label = index.positions[first + i]
        losses[first + i] = largest[i] + log(sums[i]) - scores[label * rows + first + i]
        sums[i] = 1 / sums[i]
      }
      for k in 0..<columns { for i in 0..<count { residuals[k * rows + first + i] *= sums[i] } }
      for n in range { residuals[index.positions[n] * rows + n] += 1 }
    }
  }

  /// Grows the tree of a column and adds it to the column's scores.
  func grow(
    _ k: Int, _ sorted: SortedRows, _ grower: TreeGrower, _ limits: TreeGrower.Limits, learningRate: Double,
    _ stream: inout RandomStream
  ) -> DecisionTree {
    let residuals = residuals + k * rows, scores = scores + k * rows
    var criterion = SquaredError(target: residuals, reciprocals: reciprocals)
    var tree = grower.grow(sorted, &criterion, limits, &stream)
    var numerators = [Double](repeating: 0, count: tree.nodes.count), denominators = numerators
    for n in 0..<rows {
      let leaf = Int(grower.leaves[n]), r = residuals[n]
      numerators[leaf] += r
      denominators[leaf] += abs(r) * (1 - abs(r))
    }
    let factor = columns == 1 ? 1 : Double(columns - 1) / Double(columns)
    for leaf in tree.nodes.indices where tree.nodes[leaf].feature < 0 {
      // Where every row is certain no step helps.
      tree.nodes[leaf].value = denominators[leaf] < 1e-150 ? 0 : factor * numerators[leaf] / denominators[leaf]
    }
    for n in 0..<rows { scores[n] += learningRate * tree.nodes[Int(grower.leaves[n])].value }
    return tree
  }

  /// The classes that the scores stand for.
  func predictions() -> [Int32] {
    (0..<rows).map { n in
      if columns == 1 { return index.classes[scores[n] >= 0 ? 1 : 0] }
      var best = 0
      for k in 1..<columns where scores[k * rows + n] > scores[best * rows + n] { best = k }
      return index.classes[best]
    }
  }
}
