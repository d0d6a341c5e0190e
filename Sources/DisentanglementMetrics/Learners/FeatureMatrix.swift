/// Rows of features to learn from, `[N, D]`.
public struct FeatureMatrix: Sendable {
  /// N.
  public let count: Int
  /// D.
  public let features: Int
  /// The features in row-major order, all finite.
  public let values: [Double]

  /// Takes the values.
  ///
  /// - Precondition: they form rows of `features`.
  public init(_ values: [Double], features: Int) {
    precondition(features >= 1 && values.count % features == 0, "\(values.count) values, rows of \(features)")
    count = values.count / features
    self.features = features
    self.values = values
  }

  /// The codes as features.
  public init(_ codes: LabeledCodes) { self.init(codes.codes.map { Double($0) }, features: codes.latents) }

  /// One feature of all rows, `[N]`.
  public func column(_ feature: Int) -> [Double] { (0..<count).map { values[$0 * features + feature] } }

  /// Some rows, in the order asked for.
  public func rows(_ indices: [Int]) -> FeatureMatrix {
    FeatureMatrix(indices.flatMap { values[$0 * features..<($0 + 1) * features] }, features: features)
  }

  /// Some features of all rows.
  public func columns(_ chosen: [Int]) -> FeatureMatrix {
    FeatureMatrix((0..<count).flatMap { n in chosen.map { values[n * features + $0] } }, features: chosen.count)
  }
}

/// Mean and standard deviation of each feature, to subtract and to divide by.
public struct Standardization: Sendable {
  /// The means, `[D]`.
  public let means: [Double]
  /// The standard deviations (1/N), `[D]`.
  public let deviations: [Double]

  /// Measures them.
  public init(of rows: FeatureMatrix) {
    let d = rows.features, n = Double(rows.count)
    let columns = (0..<d).map(rows.column)
    let means = columns.map { $0.reduce(0, +) / n }
    self.means = means
    deviations = (0..<d).map { j in (columns[j].reduce(0) { $0 + ($1 - means[j]) * ($1 - means[j]) } / n).squareRoot() }
  }

  /// Whether a feature varies by more than rounding: a constant whose mean was rounded does not.
  public func varies(_ feature: Int) -> Bool { deviations[feature] > 1e-12 * abs(means[feature]) }

  /// (x − mean)/deviation. A feature that did not vary stays 0: it carries no information, and dividing would make it NaN.
  public func callAsFunction(_ rows: FeatureMatrix) -> FeatureMatrix {
    let scales = deviations.indices.map { varies($0) ? 1 / deviations[$0] : 0 }
    let d = rows.features
    return FeatureMatrix(
      rows.values.indices.map { (rows.values[$0] - means[$0 % d]) * scales[$0 % d] }, features: d)
  }
}
