import CLiblinear
import TensorCore

/// A linear support vector machine with squared hinge loss: scikit-learn's `LinearSVC`, by the library both use
/// (Fan et al. 2008, "LIBLINEAR: A Library for Large Linear Classification").
///
///     min_w  ½‖w‖² + Σ_n C_n·max(0, 1 − y_n·wᵀ(x_n, 1))²
///
/// The intercept is a weight like the others, of a feature that is always 1, and penalised like them. Of more than two
/// classes each is learnt against all others. Solved in the primal by a trust-region Newton method, which draws no
/// random numbers.
public struct LinearSVM: Classifier {
  /// C.
  public var penalty = 1.0
  /// Whether the rows of class k count N/(K·N_k)-fold, of two classes both, of more the one that is learnt.
  public var isBalanced = false
  /// Where to stop: at a gradient of norm tolerance·(share of the rarer side)·(norm at w = 0).
  public var tolerance = 1e-4

  /// scikit-learn's defaults, or other settings.
  public init(penalty: Double = 1, isBalanced: Bool = false, tolerance: Double = 1e-4) {
    (self.penalty, self.isBalanced, self.tolerance) = (penalty, isBalanced, tolerance)
  }

  /// Weights.
  public struct Model: ClassifierModel {
    /// The classes, ascending, `[K]`.
    public let classes: [Int32]
    /// `[K, D + 1]`, the intercept last; of two classes only the second's.
    public let weights: [Double]

    /// wᵀ(x, 1), `[N, K]`, or `[N, 1]` for two classes.
    public func decisionValues(_ rows: FeatureMatrix, device: Device) -> [Double] {
      let d = rows.features, k = weights.count / (d + 1)
      return (0..<rows.count * k).map { i in
        let row = i / k * d, weight = i % k * (d + 1)
        return (0..<d).reduce(weights[weight + d]) { $0 + weights[weight + $1] * rows.values[row + $1] }
      }
    }
  }

  /// The library reports its progress on standard output unless told otherwise.
  private static let silenced: Void = set_print_string_function { _ in }

  /// Learns.
  public func fit(_ rows: FeatureMatrix, labels: [Int32], stream: RandomStream, device: Device) throws -> Model {
    _ = Self.silenced
    let index = try ClassIndex(labels), d = rows.features, n = rows.count
    // Each row: its features, numbered from 1, the 1 that the intercept multiplies, and the end's mark.
    var nodes = (0..<n).flatMap { row in
      (0..<d).map { feature_node(index: Int32($0 + 1), value: rows.values[row * d + $0]) }
        + [feature_node(index: Int32(d + 1), value: 1), feature_node(index: -1, value: 0)]
    }
    var classes = index.positions.map { Double($0) }
    var weighted = index.classes.indices.map { Int32($0) }
    var weights = index.counts.map { Double(n) / Double(index.counts.count * $0) }
    let columns = index.classes.count == 2 ? 1 : index.classes.count

    let result = nodes.withUnsafeMutableBufferPointer { nodes in
      var starts = (0..<n).map { row in nodes.baseAddress.map { $0 + row * (d + 2) } }
      return starts.withUnsafeMutableBufferPointer { starts in
        classes.withUnsafeMutableBufferPointer { classes in
          weighted.withUnsafeMutableBufferPointer { weighted in
            weights.withUnsafeMutableBufferPointer { weights in
              var problem = problem()
              (problem.l, problem.n, problem.bias) = (Int32(n), Int32(d + 1), 1)
              (problem.x, problem.y) = (starts.baseAddress, classes.baseAddress)
              var parameter = parameter()
              parameter.solver_type = Int32(L2R_L2LOSS_SVC)
              (parameter.C, parameter.eps) = (penalty, tolerance)
              if isBalanced {
                parameter.nr_weight = Int32(weighted.count)
                (parameter.weight_label, parameter.weight) = (weighted.baseAddress, weights.baseAddress)
              }
              var model = train(&problem, &parameter)
              defer { free_and_destroy_model(&model) }
              guard let model else { return [Double]() }
              // The library numbers classes in the order in which it met them, and two classes have one weight vector
              // for that met first.
              var result = [Double](repeating: 0, count: columns * (d + 1))
              for j in 0..<columns {
                let label = Int(model.pointee.label[j])
                for f in 0...d {
                  let weight = model.pointee.w[f * columns + j]
                  result[(columns == 1 ? 0 : label) * (d + 1) + f] = columns == 1 && label == 0 ? -weight : weight
                }
              }
              return result
            }
          }
        }
      }
    }
    return Model(classes: index.classes, weights: result)
  }
}
