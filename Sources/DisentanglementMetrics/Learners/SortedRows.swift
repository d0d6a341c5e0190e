/// A row and its value of one feature.
struct SortedRow {
  var value: Float
  var row: Int32
}

/// The rows of a matrix in ascending order of each feature, sorted once for all trees.
///
/// Features are rounded to single precision, as scikit-learn does.
struct SortedRows: Sendable {
  /// N.
  let count: Int
  /// D.
  let features: Int
  /// `[D, N]`: feature by feature; rows of equal value in their own order.
  let entries: [SortedRow]

  init(_ rows: FeatureMatrix) {
    count = rows.count
    features = rows.features
    entries = (0..<rows.features).flatMap { feature in
      let values = (0..<rows.count).map { Float(rows.values[$0 * rows.features + feature]) }
      let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
      return order.map { SortedRow(value: values[$0], row: Int32($0)) }
    }
  }

  /// The rows repeated so many times each: a bootstrap sample stays sorted.
  init(_ other: SortedRows, times: [Int]) {
    features = other.features
    entries = other.entries.flatMap { repeatElement($0, count: times[Int($0.row)]) }
    count = entries.count / other.features
  }
}
