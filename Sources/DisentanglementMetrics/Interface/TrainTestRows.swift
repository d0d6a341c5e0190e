import StrictConfiguration
import TensorCore

/// How many data points a learner learns from and is tested on.
public struct TrainTestSizes: Sendable, Equatable {
  /// Data points to learn from.
  public var train: Int
  /// Data points to be tested on.
  public var test: Int
}

extension ConfigurationSection {
  /// Reads `train_points` and `test_points`: disentanglement_lib's 10,000 and 5,000, a fifth of that, or ten times that.
  mutating func trainTestSizes(_ preset: MetricPreset, exact: Int = 100_000) throws -> TrainTestSizes {
    let train =
      switch preset {
      case .dlib: 10_000
      case .fast: 2_000
      case .exact: exact
      }
    return TrainTestSizes(
      train: try integer("train_points", default: train, in: .within(1...100_000_000)),
      test: try integer("test_points", default: train / 2, in: .within(1...100_000_000)))
  }
}

/// Data points that are learnt from, and others.
struct TrainTestRows {
  /// The rows to learn from.
  let train: [Int]
  /// The rows to be tested on.
  let test: [Int]
  /// That there were fewer than asked for; nil if there were enough.
  let note: String?

  /// Draws distinct rows, so that nothing is tested on what it has learnt. Too few rows are shared out in proportion.
  init(_ sizes: TrainTestSizes, of count: Int, stream: RandomStream) {
    var stream = stream
    let asked = sizes.train + sizes.test
    guard asked > count else {
      let rows = stream.distinct(asked, below: count)
      train = Array(rows[..<sizes.train])
      test = Array(rows[sizes.train...])
      note = nil
      return
    }
    let rows = stream.permutation(of: count)
    let share = Double(sizes.train) / Double(asked)
    let middle = count < 2 ? count : min(max(Int(share * Double(count)), 1), count - 1)
    train = Array(rows[..<middle])
    test = Array(rows[middle...])
    note =
      "There are \(count) data points: \(middle) to learn from and \(count - middle) to test on, instead of "
      + "\(sizes.train) and \(sizes.test)."
  }
}

extension LabeledCodes {
  /// The factors of which the rows to learn from have at least two values.
  func learnableFactors(_ train: LabeledCodes) -> (factors: [Int], note: String?) {
    let learnable = train.varyingFactors, missing = Set(varyingFactors).subtracting(learnable).sorted()
    guard !missing.isEmpty else { return (learnable, nil) }
    let names = missing.map { factorNames[$0] }.joined(separator: ", ")
    return (learnable, "Among the data points to learn from \(names) takes a single value and is left out.")
  }
}
