import Autodiff
import NeuralLayers
import TensorCore

/// r(z) = D₀(z) − D₁(z) of fully connected layers with two outputs, row by row, with what its gradients need.
///
/// Both losses of FactorVAE see the layers through r alone, and the same layers on the same codes: what the first has
/// computed is the second's too. The gradients of any loss differ from those of r by one factor for each row,
///
///     ∂L/∂θ = Σ_i (∂L/∂r_i)·(∂r_i/∂θ),
///
/// so that r's gradients with respect to what enters each activation serve both losses as well.
final class DensityRatio {
  private var codes: Tensor<Float>?
  private let layers: [Dense]
  private let device: Device
  /// What enters each layer, and last the logits: `[capacity, inputs]`.
  private let activations: [Tensor<Float>]
  /// ∂r/∂(what enters each activation), `[capacity, outputs]`; known for the rows before `sloped`.
  private let slopes: [Tensor<Float>]
  private var rows = 0
  private var sloped = 0

  /// Makes room for so many rows.
  init(_ layers: [Dense], capacity: Int, on device: Device) {
    (self.layers, self.device) = (layers, device)
    let widths = layers.map { $0.weight.value.shape[0] } + [2]
    activations = widths.map { Tensor(uninitialized: [capacity, $0], on: device) }
    slopes = widths.dropFirst().map { Tensor(uninitialized: [capacity, $0], on: device) }
  }

  /// Floating-point operations of one product with all weights for so many rows.
  private func operations(_ rows: Int) -> Double {
    Double(2 * rows * layers.reduce(0) { $0 + $1.weight.value.shape.count })
  }

  /// Evaluates r for more rows of codes, `[B, D]`.
  func append(_ codes: Tensor<Float>, _ pass: Pass) {
    let range = rows..<rows + codes.shape[0]
    activations[0].rows(range).copy(from: codes)
    pass.tape.phase("fully connected", operations: operations(range.count)) {
      for (number, layer) in layers.enumerated() {
        let output = activations[number + 1].rows(range)
        Tensor.multiply(activations[number].rows(range), layer.weight.value, into: output)
        output.activate(layer.activation, bias: layer.bias.value)
      }
    }
    self.codes = rows == 0 ? codes : nil
    rows = range.upperBound
  }

  /// Whether these codes, in the same memory, are the rows so far.
  func isOf(_ codes: Tensor<Float>) -> Bool {
    guard let own = self.codes else { return false }
    return own.storage === codes.storage && own.offset == codes.offset && own.shape == codes.shape
  }

  /// r, `[rows, 1]`.
  private var values: Tensor<Float> {
    let logits = activations[layers.count].rows(0..<rows)
    return logits.columns(0..<1).combined(.subtract, logits.columns(1..<2))
  }

  /// Computes the slopes of the rows that have none yet.
  private func findSlopes() {
    guard sloped < rows else { return }
    let range = sloped..<rows
    slopes[layers.count - 1].rows(range).withMutableElements { for i in $0.indices { $0[i] = i % 2 == 0 ? 1 : -1 } }
    for number in stride(from: layers.count - 1, to: 0, by: -1) {
      let slope = slopes[number - 1].rows(range)
      Tensor.multiply(slopes[number].rows(range), layers[number].weight.value, transposeB: true, into: slope)
      activations[number].rows(range).activationGradient(layers[number - 1].activation, slope, into: slope)
    }
    sloped = rows
  }

  /// r as a function of the codes, `[rows, 1]`; the layers are constants.
  func ratio(of codes: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    pass.tape.phase("fully connected", operations: codes.isTracked ? operations(rows) : 0) {
      Variable.recording(values, from: [codes]) { [self] g, gradients in
        findSlopes()
        let gradient = Tensor<Float>(uninitialized: codes.shape, on: device)
        Tensor.multiply(
          slopes[0].rows(0..<codes.shape[0]), layers[0].weight.value, transposeB: true, into: gradient)
        gradients.add(gradient.combined(.multiply, g), to: codes)
      }
    }
  }

  /// r as a function of the layers' parameters, `[rows, 1]`; the codes are constants.
  func ratio(_ pass: Pass) -> Variable<Float> {
    let weights = layers.map { pass($0.weight) }, biases = layers.map { pass($0.bias) }
    return pass.tape.phase("fully connected", operations: operations(rows - sloped) + operations(rows)) {
      Variable.recording(values, from: weights + biases) { [self] g, gradients in
        findSlopes()
        for number in layers.indices {
          let slope = slopes[number].rows(0..<rows).combined(.multiply, g)
          gradients.write(to: weights[number]) {
            Tensor.multiply(activations[number].rows(0..<rows), transposeA: true, slope, into: $0, accumulate: $1)
          }
          gradients.add(slope.sum(axis: 0), to: biases[number])
        }
      }
    }
  }
}
