import TensorCore

/// One evaluation of r(z) = y₀ − y₁, the difference of the two outputs of a fully connected network, row by row.
///
/// A classifier of two classes enters its losses through r alone. The gradients of any such loss are those of r, times one
/// factor for each row,
///
///     ∂L/∂θ = Σ_i (∂L/∂r_i)·(∂r_i/∂θ),
///
/// so the activations and the gradients of r at the inputs of the activations (its slopes) serve every loss that is
/// computed from the same rows, with respect to the rows as well as to the network's parameters. Rows can be added; what
/// is known of the earlier ones stays.
public final class LogitDifference<Scalar: TensorScalar> {
  /// One layer, activation(x·W + b).
  public struct Layer {
    /// W, `[inputs, outputs]`.
    public let weights: Tensor<Scalar>
    /// b, `[outputs]`.
    public let bias: Tensor<Scalar>
    /// What follows.
    public let activation: Activation

    /// Describes a layer.
    public init(weights: Tensor<Scalar>, bias: Tensor<Scalar>, activation: Activation) {
      (self.weights, self.bias, self.activation) = (weights, bias, activation)
    }
  }

  private let layers: [Layer]
  private let device: Device
  /// The input of each layer, and last the logits: `[capacity, width]`.
  private let activations: [Tensor<Scalar>]
  /// ∂r/∂(input of each activation), `[capacity, width]`; known for the rows before `slopeRows`.
  private let slopes: [Tensor<Scalar>]
  private var slopeRows = 0
  /// The number of rows evaluated so far.
  public private(set) var rows = 0

  /// Prepares an evaluation.
  ///
  /// - Parameters:
  ///   - layers: the network. Its tensors are read, not copied: they must keep their values while this is in use.
  ///   - capacity: the most rows that will be evaluated.
  ///   - device: where.
  /// - Precondition: the last layer has two outputs and no activation.
  public init(_ layers: [Layer], capacity: Int, on device: Device) {
    requireFit(
      layers.allSatisfy { $0.weights.shape.rank == 2 && $0.bias.count == $0.weights.shape[1] }
        && zip(layers, layers.dropFirst()).allSatisfy { $0.weights.shape[1] == $1.weights.shape[0] },
      "LogitDifference", "layers \(layers.map(\.weights.shape)) with biases \(layers.map(\.bias.shape)) do not fit")
    requireFit(
      layers.last?.weights.shape[1] == 2 && layers.last?.activation == .identity, "LogitDifference",
      "the last of \(layers.map(\.weights.shape)) must have two outputs and no activation")
    (self.layers, self.device) = (layers, device)
    let widths = layers.map { $0.weights.shape[0] } + [2]
    activations = widths.map { Tensor(uninitialized: [capacity, $0], on: device) }
    slopes = widths.dropFirst().map { Tensor(uninitialized: [capacity, $0], on: device) }
  }

  /// Floating-point operations of one product of so many rows with all weights.
  private func operations(_ rows: Int) -> Double {
    Double(2 * rows * layers.reduce(0) { $0 + $1.weights.shape.count })
  }

  /// Evaluates the network for more rows, `[B, inputs]`.
  ///
  /// - Parameters:
  ///   - rows: the rows.
  ///   - profile: charged with the time.
  public func append(_ rows: Tensor<Scalar>, profile: StepProfile? = nil) {
    requireFit(
      rows.shape.rank == 2 && rows.shape[1] == layers[0].weights.shape[0]
        && self.rows + rows.shape[0] <= activations[0].shape[0], "append",
      "rows \(rows.shape) do not fit inputs of \(layers[0].weights.shape[0]) and room for "
        + "\(activations[0].shape[0] - self.rows) more")
    let range = self.rows..<self.rows + rows.shape[0]
    activations[0].rows(range).copy(from: rows)
    measured(profile, operations(range.count)) {
      for (number, layer) in layers.enumerated() {
        let output = activations[number + 1].rows(range)
        Tensor.multiply(activations[number].rows(range), layer.weights, into: output)
        output.activate(layer.activation, bias: layer.bias)
      }
    }
    self.rows = range.upperBound
  }

  /// r of all rows, `[rows, 1]`.
  public var values: Tensor<Scalar> {
    let logits = activations[layers.count].rows(0..<rows)
    return logits.columns(0..<1).combined(.subtract, logits.columns(1..<2))
  }

  /// r of all rows as a function of the rows, of the parameters, or of both, `[rows, 1]`.
  ///
  /// - Parameters:
  ///   - inputs: the rows as a variable, `[rows, inputs]`; a constant if they are no variable.
  ///   - weights: W of each layer as a variable; constants if absent.
  ///   - biases: b of each layer.
  ///   - profile: charged with the time.
  public func variable(
    of inputs: Variable<Scalar>? = nil, weights: [Variable<Scalar>] = [], biases: [Variable<Scalar>] = [],
    profile: StepProfile? = nil
  ) -> Variable<Scalar> {
    requireFit(
      inputs.map { $0.shape == [rows, layers[0].weights.shape[0]] } ?? true
        && (weights.isEmpty && biases.isEmpty
          || weights.map(\.shape) == layers.map(\.weights.shape)
            && biases.map(\.value.count) == layers.map(\.bias.count)),
      "variable",
      "inputs \(inputs?.shape ?? []) or weights \(weights.map(\.shape)) do not fit \(rows) rows of the network")
    let count = rows
    var passes = inputs?.isTracked == true ? operations(count) : 0
    if weights.contains(where: \.isTracked) { passes += operations(count - slopeRows) + operations(count) }
    return measured(profile, passes) {
      Variable.recording(values, from: (inputs.map { [$0] } ?? []) + weights + biases) { [self] g, gradients in
        findSlopes()
        if let inputs, inputs.isTracked {
          let gradient = Tensor<Scalar>(uninitialized: inputs.shape, on: device)
          Tensor.multiply(slopes[0].rows(0..<count), layers[0].weights, transposeB: true, into: gradient)
          gradients.add(gradient.combined(.multiply, g), to: inputs)
        }
        for number in weights.indices where weights[number].isTracked || biases[number].isTracked {
          let slope = slopes[number].rows(0..<count).combined(.multiply, g)
          gradients.writeProduct(activations[number].rows(0..<count), slope, to: weights[number])
          gradients.add(slope.sum(axis: 0), to: biases[number])
        }
      }
    }
  }

  /// Computes the slopes of the rows that have none yet.
  private func findSlopes() {
    guard slopeRows < rows else { return }
    let range = slopeRows..<rows
    slopes[layers.count - 1].rows(range).withMutableElements { for i in $0.indices { $0[i] = i % 2 == 0 ? 1 : -1 } }
    for number in stride(from: layers.count - 1, to: 0, by: -1) {
      let slope = slopes[number - 1].rows(range)
      Tensor.multiply(slopes[number].rows(range), layers[number].weights, transposeB: true, into: slope)
      activations[number].rows(range).activationGradient(layers[number - 1].activation, slope, into: slope)
    }
    slopeRows = rows
  }

  private func measured<R>(_ profile: StepProfile?, _ operations: Double, _ body: () -> R) -> R {
    profile?.measure("fully connected", operations: operations, body) ?? body()
  }
}
