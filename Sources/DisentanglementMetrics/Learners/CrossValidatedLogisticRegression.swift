import Foundation
import TensorCore

/// Logistic regression whose penalty is chosen by cross-validation: scikit-learn's `LogisticRegressionCV`.
///
/// The rows are cut into folds in their order; for each, regressions with every C learn from the other folds, from the
/// strongest penalty to the weakest, each beginning where the last one ended. The C with the largest mean accuracy on the folds
/// left out, of equal ones the smallest, then learns from all rows. Regressions on folds stop at a gradient of 10⁻⁴ of the
/// first, like scikit-learn's; a fold whose other rows have a single class predicts it.
public struct CrossValidatedLogisticRegression: Classifier {
  /// The values of C, ascending.
  public var penalties: [Double] = (0..<10).map { pow(10, -4 + 8 * Double($0) / 9) }
  /// How many folds.
  public var folds = 5

  /// Ten penalties from 10⁻⁴ to 10⁴.
  public init(folds: Int = 5) { self.folds = folds }

  /// Learns.
  public func fit(
    _ rows: FeatureMatrix, labels: [Int32], stream: RandomStream, device: Device
  ) throws -> LogisticRegression.Model {
    let count = rows.count, folds = min(folds, count)
    // [folds][penalties]
    let accuracies = try device.map(folds) { _, fold in
      // The first folds have one row more, if the rows do not divide evenly.
      let start = fold * (count / folds) + min(fold, count % folds)
      let end = start + count / folds + (fold < count % folds ? 1 : 0)
      let others = Array(0..<start) + Array(end..<count), left = Array(start..<end)
      let features = rows.rows(others), known = others.map { labels[$0] }, expected = left.map { labels[$0] }
      let tested = rows.rows(left)
      guard Set(known).count > 1 else {
        let share = accuracy([Int32](repeating: known.first ?? labels[0], count: expected.count), expected)
        return [Double](repeating: share, count: penalties.count)
      }
      var model: LogisticRegression.Model?
      return try penalties.map { penalty in
        let next = try LogisticRegression(penalty: penalty, tolerance: 1e-4).fit(features, labels: known, from: model)
        model = next
        return accuracy(next.predict(tested, device: device), expected)
      }
    }
    let sums = penalties.indices.map { p in accuracies.reduce(0) { $0 + $1[p] } }
    let best = sums.indices.reduce(0) { sums[$1] > sums[$0] ? $1 : $0 }
    return try LogisticRegression(penalty: penalties[best], tolerance: 1e-6).fit(
      rows, labels: labels, stream: stream, device: device)
  }
}
