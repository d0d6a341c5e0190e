/// Linear regression with an L1 penalty and a free intercept: scikit-learn's `Lasso`.
///
///     min_{w,b}  1/(2N)·‖y − X·w − b‖² + α·‖w‖₁
///
/// (Tibshirani 1996, "Regression Shrinkage and Selection via the Lasso"). Solved by coordinate descent on the Gram matrix
/// until the duality gap is 10⁻¹² of ½Var(y), where scikit-learn stops at 10⁻⁴ of ‖y‖²: coefficients then differ by
/// some 10⁻⁴.
public struct Lasso: Sendable {
  /// α.
  public var alpha = 1.0

  /// Sets α ≥ 0.
  public init(alpha: Double) { self.alpha = alpha }

  /// Weights.
  public struct Model: Sendable {
    /// w, `[D]`.
    public let weights: [Double]
    /// b.
    public let intercept: Double

    /// X·w + b, `[N]`.
    public func predict(_ rows: FeatureMatrix) -> [Double] {
      (0..<rows.count).map { n in
        weights.indices.reduce(intercept) { $0 + weights[$1] * rows.values[n * rows.features + $1] }
      }
    }

    /// The coefficient of determination, 1 − Σ(y − ŷ)²/Σ(y − ȳ)²; NaN where the targets do not vary.
    public func determination(_ rows: FeatureMatrix, targets: [Double]) -> Double {
      let mean = targets.reduce(0, +) / Double(targets.count)
      let total = targets.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return 1 - zip(predict(rows), targets).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / total
    }
  }

  /// Regresses several targets on the same rows.
  public func fit(_ rows: FeatureMatrix, targets: [[Double]]) -> [Model] {
    let d = rows.features, n = Double(rows.count)
    let means = Standardization(of: rows).means
    let columns = (0..<d).map { f in rows.column(f).map { $0 - means[f] } }
    var gram = [Double](repeating: 0, count: d * d)
    for i in 0..<d {
      for j in i..<d {
        let product = dot(columns[i], columns[j]) / n
        (gram[i * d + j], gram[j * d + i]) = (product, product)
      }
    }
    return targets.map { target in
      let mean = target.reduce(0, +) / n
      let centred = target.map { $0 - mean }
      let weights = solve(
        gram, columns.map { dot($0, centred) / n }, variance: dot(centred, centred) / n,
        varies: (0..<d).map { gram[$0 * d + $0] > 1e-24 * means[$0] * means[$0] })
      return Model(weights: weights, intercept: mean - zip(weights, means).reduce(0) { $0 + $1.0 * $1.1 })
    }
  }

  /// min ½wᵀGw − cᵀw + α‖w‖₁ by coordinate descent; features that do not vary keep the weight 0.
  private func solve(_ gram: [Double], _ covariances: [Double], variance: Double, varies: [Bool]) -> [Double] {
    let d = covariances.count
    var weights = [Double](repeating: 0, count: d)
    // c − G·w, kept up to date.
    var gradients = covariances
    for _ in 0..<100_000 {
      for i in 0..<d where varies[i] {
        let old = weights[i], slope = gradients[i] + gram[i * d + i] * old
        let shrunk = max(abs(slope) - alpha, 0)
        weights[i] = (slope < 0 ? -shrunk : shrunk) / gram[i * d + i]
        guard weights[i] != old else { continue }
        for j in 0..<d { gradients[j] -= gram[i * d + j] * (weights[i] - old) }
      }
      // The dual point is the residual, scaled down until no feature exceeds α.
      let largest = gradients.indices.reduce(0) { varies[$1] ? max($0, abs(gradients[$1])) : $0 }
      let scale = largest > alpha ? alpha / largest : 1
      let explained = zip(weights, covariances).reduce(0) { $0 + $1.0 * $1.1 }
      let remaining = zip(weights, gradients).reduce(0) { $0 + $1.0 * $1.1 }
      let residual = max(0, variance - explained - remaining)  // ‖y − Xw‖²/N
      let withTarget = variance - explained  // yᵀ(y − Xw)/N
      let penalty = alpha * weights.reduce(0) { $0 + abs($1) }
      let gap = 0.5 * residual + penalty + 0.5 * scale * scale * residual - scale * withTarget
      if gap <= 0.5e-12 * variance { break }
    }
    return weights
  }

  private func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for i in a.indices { sum += a[i] * b[i] }
    return sum
  }
}
