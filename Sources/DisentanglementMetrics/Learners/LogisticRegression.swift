import Diagnostics
import Foundation
import TensorCore

/// Multinomial logistic regression with an L2 penalty and a free intercept: scikit-learn's `LogisticRegression`.
///
///     min_{W,b}  ½‖W‖² + C·Σ_n c_n·(−log p_{y_n}),   p = softmax(W·x + b)
///
/// Intercepts have the sum 0. Two classes have one weight vector, p = 1/(1 + exp(−wᵀx − b)). Solved to convergence by Newton's method with
/// conjugate gradients (Nocedal & Wright 2006, "Numerical Optimization", §7.1), where scikit-learn stops after 100 steps of
/// L-BFGS or at a small gradient: accuracies then differ by some 10⁻³. liblinear's logistic regression is another
/// problem: one class against the rest, with a penalised intercept.
public struct LogisticRegression: Classifier {
  /// C, the inverse strength of the penalty.
  public var penalty = 1.0
  /// Whether the rows of class k count N/(K·N_k)-fold.
  public var isBalanced = false
  /// Where to stop: at a gradient whose norm is this share of that at zero weights.
  public var tolerance = 1e-9
  /// Where to stop, too: where a step of Newton's promises less than this for the mean of −log p, in nats. Classes that can
  /// almost be separated need ever larger weights for ever less.
  public var lossTolerance = 0.0

  /// scikit-learn's defaults, converged; or other settings.
  public init(penalty: Double = 1, isBalanced: Bool = false, tolerance: Double = 1e-9, lossTolerance: Double = 0) {
    (self.penalty, self.isBalanced) = (penalty, isBalanced)
    (self.tolerance, self.lossTolerance) = (tolerance, lossTolerance)
  }

  /// Weights.
  public struct Model: ClassifierModel {
    /// The classes, ascending, `[K]`.
    public let classes: [Int32]
    /// `[D + 1, K]`, the intercepts last; of two classes only the second's, `[D + 1, 1]`.
    public let weights: [Double]
    /// Whether the gradient, or what a step promises, came below its tolerance.
    public let isConverged: Bool

    /// W·x + b, `[N, K]`, or `[N, 1]` for two classes.
    public func decisionValues(_ rows: FeatureMatrix, device: Device) -> [Double] {
      let columns = classes.count == 2 ? 1 : classes.count
      var values = [Double](repeating: 0, count: rows.count * columns)
      LogisticProblem.multiply(rows, weights, into: &values)
      return values
    }

    /// p, `[N, K]`.
    public func probabilities(_ rows: FeatureMatrix, device: Device) -> [Double] {
      let values = decisionValues(rows, device: device), k = classes.count
      guard k > 2 else { return values.flatMap { [1 / (1 + exp($0)), 1 / (1 + exp(-$0))] } }
      return (0..<rows.count).flatMap { n in
        let row = values[n * k..<(n + 1) * k], largest = row.max() ?? 0
        let powers = row.map { exp($0 - largest) }, sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
      }
    }

    /// −log p of each row's own class, `[N]`, in nats; infinite for a class that was not there to learn from.
    public func losses(_ rows: FeatureMatrix, labels: [Int32], device: Device) -> [Double] {
      let values = decisionValues(rows, device: device), k = classes.count
      return labels.enumerated().map { n, label in
        guard let position = classes.firstIndex(of: label) else { return .infinity }
        guard k > 2 else {
          let margin = position == 1 ? values[n] : -values[n]
          return max(-margin, 0) + log1p(exp(-abs(margin)))
        }
        let row = values[n * k..<(n + 1) * k], largest = row.max() ?? 0
        return largest + log(row.reduce(0) { $0 + exp($1 - largest) }) - values[n * k + position]
      }
    }
  }

  /// Learns.
  public func fit(_ rows: FeatureMatrix, labels: [Int32], stream: RandomStream, device: Device) throws -> Model {
    try fit(rows, labels: labels, from: nil)
  }

  /// Learns on one thread, beginning with the weights of another solution with the same classes.
  func fit(_ rows: FeatureMatrix, labels: [Int32], from start: Model?) throws -> Model {
    let index = try ClassIndex(labels)
    try index.requireMemory(
      for: "the probabilities of \(Format.grouped(rows.count)) data points", values: saturatingProduct(2, rows.count))
    var problem = LogisticProblem(rows, index, penalty: penalty, isBalanced: isBalanced)
    if let start, start.classes == index.classes, start.weights.count == problem.weights.count {
      problem.weights = start.weights
    }
    let isConverged = problem.solve(tolerance: tolerance, lossTolerance: lossTolerance)
    return Model(classes: index.classes, weights: problem.weights, isConverged: isConverged)
  }
}

/// The minimisation that a logistic regression is.
private struct LogisticProblem {
  let rows: FeatureMatrix
  let positions: [Int]
  /// K, or 1 for two classes.
  let columns: Int
  /// C·c_n by class, `[K]`.
  let classWeights: [Double]
  /// Σ C·c_n.
  let totalWeight: Double
  /// A constant added to all intercepts changes nothing but would be free to drift: ½·hold·(Σb)² keeps their sum at 0.
  let hold: Double
  /// `[D + 1, columns]`.
  var weights: [Double]
  /// p, `[N, columns]`, at the weights of the last call of ``value(_:gradient:)``.
  private var probabilities: [Double]
  /// Scratch, `[N, columns]`.
  private var products: [Double]

  init(_ rows: FeatureMatrix, _ index: ClassIndex, penalty: Double, isBalanced: Bool) {
    self.rows = rows
    positions = index.positions
    columns = index.classes.count == 2 ? 1 : index.classes.count
    classWeights = index.counts.map {
      isBalanced ? penalty * Double(rows.count) / Double(index.counts.count * $0) : penalty
    }
    totalWeight = zip(index.counts, classWeights).reduce(0) { $0 + Double($1.0) * $1.1 }
    hold = columns == 1 ? 0 : totalWeight / Double(columns * columns)
    weights = [Double](repeating: 0, count: (rows.features + 1) * columns)
    probabilities = [Double](repeating: 0, count: rows.count * columns)
    products = probabilities
  }

  /// (x, 1)·W, `[N, columns]`.
  static func multiply(_ rows: FeatureMatrix, _ weights: [Double], into result: inout [Double]) {
    let d = rows.features, k = weights.count / (d + 1)
    rows.values.withUnsafeBufferPointer { x in
      weights.withUnsafeBufferPointer { w in
        result.withUnsafeMutableBufferPointer { result in
          guard let x = x.baseAddress, let w = w.baseAddress, let result = result.baseAddress else { return }
          for n in 0..<rows.count { (result + n * k).update(from: w + d * k, count: k) }
          Double.matrixProduct(false, false, rows.count, k, d, x, d, w, k, 1, result, k)
        }
      }
    }
  }

  /// (x, 1)ᵀ·R + W, the intercepts of the latter replaced by their sum, held; `[D + 1, columns]`.
  private func multiplyTransposed(_ factors: [Double], plus weights: [Double]) -> [Double] {
    let d = rows.features, k = columns
    var result = weights
    let held = hold * weights[(d * k)...].reduce(0, +)
    for j in 0..<k { result[d * k + j] = held }
    rows.values.withUnsafeBufferPointer { x in
      factors.withUnsafeBufferPointer { factors in
        result.withUnsafeMutableBufferPointer { result in
          guard let x = x.baseAddress, let factors = factors.baseAddress, let result = result.baseAddress else {
            return
          }
          Double.matrixProduct(true, false, d, k, rows.count, x, d, factors, k, 1, result, k)
          for n in 0..<rows.count {
            for j in 0..<k { result[d * k + j] += factors[n * k + j] }
          }
        }
      }
    }
    return result
  }

  /// The objective at some weights.
  ///
  /// - Parameter gradient: set to the gradient there; the probabilities are remembered for the Hessian.
  private mutating func value(_ weights: [Double], gradient: inout [Double]) -> Double {
    let k = columns, intercepts = rows.features * columns
    var loss = 0.5 * weights[..<intercepts].reduce(0) { $0 + $1 * $1 }
    let sum = weights[intercepts...].reduce(0, +)
    loss += 0.5 * hold * sum * sum
    Self.multiply(rows, weights, into: &products)
    probabilities.withUnsafeMutableBufferPointer { p in
      products.withUnsafeMutableBufferPointer { z in
        for n in 0..<rows.count {
          let label = positions[n], weight = classWeights[label]
          if k == 1 {
            let margin = label == 1 ? z[n] : -z[n]
            p[n] = 1 / (1 + exp(-z[n]))
            loss += weight * (max(-margin, 0) + log1p(exp(-abs(margin))))
            z[n] = weight * (p[n] - (label == 1 ? 1 : 0))
            continue
          }
          let base = n * k, own = z[base + label]
          var largest = z[base]
          for j in 1..<k { largest = max(largest, z[base + j]) }
          var sum = 0.0
          for j in 0..<k {
            let power = exp(z[base + j] - largest)
            p[base + j] = power
            sum += power
          }
          loss += weight * (largest + log(sum) - own)
          let scale = 1 / sum
          for j in 0..<k {
            p[base + j] *= scale
            z[base + j] = weight * p[base + j]
          }
          z[base + label] -= weight
        }
      }
    }
    gradient = multiplyTransposed(products, plus: weights)
    return loss
  }

  /// The Hessian at the remembered probabilities, times a direction.
  private mutating func hessian(times direction: [Double]) -> [Double] {
    let k = columns
    Self.multiply(rows, direction, into: &products)
    probabilities.withUnsafeBufferPointer { p in
      products.withUnsafeMutableBufferPointer { z in
        for n in 0..<rows.count {
          let base = n * k, weight = classWeights[positions[n]]
          if k == 1 {
            z[n] *= weight * p[n] * (1 - p[n])
            continue
          }
          var mean = 0.0
          for j in 0..<k { mean += p[base + j] * z[base + j] }
          for j in 0..<k { z[base + j] = weight * p[base + j] * (z[base + j] - mean) }
        }
      }
    }
    return multiplyTransposed(products, plus: direction)
  }

  /// The Hessian's diagonal at the remembered probabilities.
  private func hessianDiagonal() -> [Double] {
    let d = rows.features, k = columns
    var result = [Double](repeating: 1, count: weights.count)
    for j in 0..<k { result[d * k + j] = max(hold, 1e-12) }
    for n in 0..<rows.count {
      for j in 0..<k {
        let p = probabilities[n * k + j], curvature = classWeights[positions[n]] * p * (1 - p)
        for f in 0..<d { result[f * k + j] += curvature * rows.values[n * d + f] * rows.values[n * d + f] }
        result[d * k + j] += curvature
      }
    }
    return result
  }

  /// Minimises.
  ///
  /// - Returns: whether the gradient came below the tolerance, or as near to zero as rounding lets it, or a step
  ///   promises less than `lossTolerance`.
  mutating func solve(tolerance: Double, lossTolerance: Double) -> Bool {
    var gradient: [Double] = []
    let zero = [Double](repeating: 0, count: weights.count)
    _ = value(zero, gradient: &gradient)
    let start = norm(gradient), goal = tolerance * start
    var loss = value(weights, gradient: &gradient)
    for _ in 0..<100 {
      let size = norm(gradient)
      if size <= goal { return true }
      let direction = newtonDirection(gradient, tolerance: lossTolerance > 0 ? 0.01 : min(0.1, size / start))
      let slope = dot(direction, gradient)
      if -slope / 2 < lossTolerance * totalWeight { return true }
      var step = 1.0, accepted = false
      for _ in 0..<30 {
        let trial = zip(weights, direction).map { $0 + step * $1 }
        var trialGradient: [Double] = []
        let trialLoss = value(trial, gradient: &trialGradient)
        // Near the minimum the loss changes by less than its rounding: there the gradient decides.
        let isLevel = abs(step * slope) < 1e-13 * abs(loss) && norm(trialGradient) < size
        if trialLoss <= loss + 1e-4 * step * slope || isLevel {
          (weights, loss, gradient, accepted) = (trial, trialLoss, trialGradient, true)
          break
        }
        step /= 2
      }
      guard accepted else { return size <= max(goal, 1e-6 * max(1, loss)) }
    }
    return norm(gradient) <= goal
  }

  /// −H⁻¹g by conjugate gradients, preconditioned by the diagonal, until the residual has shrunk to `tolerance`.
  private mutating func newtonDirection(_ gradient: [Double], tolerance: Double) -> [Double] {
    let diagonal = hessianDiagonal()
    var solution = [Double](repeating: 0, count: gradient.count)
    var residual = gradient.map { -$0 }
    var conditioned = zip(residual, diagonal).map { $0 / $1 }
    var direction = conditioned, product = dot(residual, conditioned)
    let goal = tolerance * norm(gradient)
    for _ in 0..<min(10 * gradient.count, 500) {
      let image = hessian(times: direction), curvature = dot(direction, image)
      guard curvature > 0 else { break }
      let step = product / curvature
      for i in solution.indices {
        solution[i] += step * direction[i]
        residual[i] -= step * image[i]
        conditioned[i] = residual[i] / diagonal[i]
      }
      if norm(residual) <= goal { break }
      let next = dot(residual, conditioned), ratio = next / product
      for i in direction.indices { direction[i] = conditioned[i] + ratio * direction[i] }
      product = next
    }
    return solution
  }
}

private func dot(_ a: [Double], _ b: [Double]) -> Double {
  var sum = 0.0
  for i in a.indices { sum += a[i] * b[i] }
  return sum
}

private func norm(_ a: [Double]) -> Double { dot(a, a).squareRoot() }
