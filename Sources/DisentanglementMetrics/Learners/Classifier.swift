import Diagnostics
import TensorCore

/// A method that learns to classify.
public protocol Classifier: Sendable {
  /// What it has learnt.
  associatedtype Model: ClassifierModel

  /// Learns.
  ///
  /// - Parameters:
  ///   - rows: `[N, D]`.
  ///   - labels: the class of each row, `[N]`; any numbers, of which at least two are different.
  ///   - stream: where its randomness comes from, if it has any.
  ///   - device: whose threads it may use. Results do not depend on their number.
  /// - Throws: `StructuredError` if there are fewer than two classes.
  func fit(_ rows: FeatureMatrix, labels: [Int32], stream: RandomStream, device: Device) throws -> Model
}

/// A classifier that has learnt.
public protocol ClassifierModel: Sendable {
  /// The classes it has seen, ascending, `[K]`.
  var classes: [Int32] { get }
  /// How important each feature was, `[D]`, with sum 1 or all zero; nil where the method has no such notion.
  var importances: [Double]? { get }
  /// The larger, the more likely: `[N, K]`; of two classes only the second, `[N, 1]`, against 0.
  func decisionValues(_ rows: FeatureMatrix, device: Device) -> [Double]
}

extension ClassifierModel {
  /// No notion of importance.
  public var importances: [Double]? { nil }

  /// The class of each row, `[N]`: that of the largest decision value, of equal ones the first; of two classes the
  /// second if its decision value is positive.
  public func predict(_ rows: FeatureMatrix, device: Device) -> [Int32] {
    predictions(from: decisionValues(rows, device: device))
  }

  /// The classes that decision values stand for, `[N]`.
  func predictions(from values: [Double]) -> [Int32] {
    guard classes.count > 2 else { return values.map { classes[$0 > 0 ? 1 : 0] } }
    let k = classes.count
    return (0..<values.count / k).map { n in
      var best = 0
      for j in 1..<k where values[n * k + j] > values[n * k + best] { best = j }
      return classes[best]
    }
  }
}

/// Labels as positions among the classes that occur.
struct ClassIndex: Sendable {
  /// The classes that occur, ascending, `[K]`.
  let classes: [Int32]
  /// The position of each label's class, `[N]`.
  let positions: [Int]
  /// How often each class occurs, `[K]`.
  let counts: [Int]

  /// Finds them.
  ///
  /// - Throws: `StructuredError` if there are fewer than two classes.
  init(_ labels: [Int32]) throws {
    let classes = Array(Set(labels)).sorted()
    guard classes.count >= 2 else {
      throw StructuredError(
        classes.isEmpty ? "there are no rows to learn from" : "all \(labels.count) rows have the class \(classes[0])",
        expected: "rows of at least two classes")
    }
    var position: [Int32: Int] = [:]
    for (k, label) in classes.enumerated() { position[label] = k }
    var counts = [Int](repeating: 0, count: classes.count)
    positions = labels.map { label in
      let k = position[label]!
      counts[k] += 1
      return k
    }
    self.classes = classes
    self.counts = counts
  }

  /// Makes sure that there is memory for some numbers for each class.
  ///
  /// - Parameters:
  ///   - what: what holds them, as "the probabilities of 10,000 data points".
  ///   - values: how many numbers for each class, at least.
  /// - Throws: `StructuredError` if there is not.
  func requireMemory(for what: String, values: Int) throws {
    try MemoryRequirement(
      "\(what) and \(Format.grouped(classes.count)) classes",
      bytes: saturatingProduct(values, classes.count, MemoryLayout<Double>.stride),
      action: "Choose fewer data points to learn from, or leave out factors with that many values."
    ).check()
  }
}

/// The share of predictions that are right.
func accuracy(_ predictions: [Int32], _ labels: [Int32]) -> Double {
  guard !labels.isEmpty else { return .nan }
  return Double(zip(predictions, labels).reduce(0) { $0 + ($1.0 == $1.1 ? 1 : 0) }) / Double(labels.count)
}
