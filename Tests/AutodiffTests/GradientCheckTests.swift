import Autodiff
import TensorCore
import TestSupport
import Testing

/// One row of the table: an operation and the shapes of its inputs.
struct GradientCase: Sendable, CustomTestStringConvertible {
  /// The range of the inputs, without kinks and poles.
  enum Domain: Sendable { case any, positive, awayFromZero }

  let testDescription: String
  let shapes: [Shape]
  var domain = Domain.any
  let function: @Sendable ([Variable<Double>]) -> Variable<Double>

  init(
    _ name: String, _ shapes: [Shape], _ domain: Domain = .any,
    _ function: @escaping @Sendable ([Variable<Double>]) -> Variable<Double>
  ) {
    (testDescription, self.shapes, self.domain, self.function) = (name, shapes, domain, function)
  }

  /// Arithmetic, reductions, products and convolutions. Operations with fused kernels are compared with these instead of
  /// finite differences.
  static let arithmetic: [GradientCase] = [
    GradientCase("a + b", [[3, 4], [3, 4]]) { $0[0] + $0[1] },
    GradientCase("a + b, rows broadcast", [[3, 4], [4]]) { $0[0] + $0[1] },
    GradientCase("a − b, columns broadcast", [[3, 4], [3, 1]]) { $0[0] - $0[1] },
    GradientCase("a·b, both broadcast", [[3, 1, 2], [4, 1]]) { $0[0] * $0[1] },
    GradientCase("a·a", [[5]]) { $0[0] * $0[0] },
    GradientCase("a·b, scalar", [[2, 3], []]) { $0[0] * $0[1] },
    GradientCase("a/b", [[3, 4], [3, 4]], .positive) { $0[0] / $0[1] },
    GradientCase("a/b, broadcast", [[3, 4], [4]], .awayFromZero) { $0[0] / $0[1] },
    GradientCase("scalars: 2 − 3a + 1", [[4]]) { 2 - 3 * $0[0] + 1 },
    GradientCase("−a, a/4, 1 + a, a − 2", [[4]]) { (-$0[0] / 4 + (1 + $0[0])) * ($0[0] - 2) },
    GradientCase("0·a + a²", [[4]]) { 0 * $0[0] + $0[0].squared() },
    GradientCase("exp", [[3, 3]]) { $0[0].exp() },
    GradientCase("log", [[3, 3]], .positive) { $0[0].log() },
    GradientCase("√", [[3, 3]], .positive) { $0[0].squareRoot() },
    GradientCase("x²", [[3, 3]]) { $0[0].squared() },
    GradientCase("|x|", [[3, 3]], .awayFromZero) { $0[0].magnitude() },
    GradientCase("1/x", [[3, 3]], .positive) { $0[0].reciprocal() },
    GradientCase("relu", [[3, 3]], .awayFromZero) { $0[0].relu() },
    GradientCase("tanh", [[3, 3]]) { $0[0].tanh() },
    GradientCase("sigmoid", [[3, 3]]) { $0[0].sigmoid() },
    GradientCase("softplus", [[3, 3]]) { $0[0].softplus() },
    GradientCase("activated, tanh", [[3, 3]]) { $0[0].activated(.tanh) },
    GradientCase("activated, leaky", [[3, 3]], .awayFromZero) { $0[0].activated(.leakyReLU(slope: 0.25)) },
    GradientCase("sum", [[3, 4]]) { $0[0].sum() },
    GradientCase("mean", [[3, 4]]) { $0[0].mean() },
    GradientCase("sum over the last axis", [[3, 4]]) { $0[0].sum(axis: -1) },
    GradientCase("sum over axis 0", [[3, 4]]) { $0[0].sum(axis: 0) },
    GradientCase("sum over axis 1 of 3", [[2, 3, 4]]) { $0[0].sum(axis: 1, keepingAxis: false) },
    GradientCase("mean over the last axis", [[2, 3, 4]]) { $0[0].mean(axis: -1) },
    GradientCase("log-sum-exp over axis 0", [[3, 4]]) { $0[0].logSumExp(axis: 0) },
    GradientCase("log-sum-exp over the last axis", [[3, 4]]) { $0[0].logSumExp(axis: -1, keepingAxis: false) },
    GradientCase("reshaped", [[3, 4]]) { $0[0].reshaped([2, 6]).squared() },
    GradientCase("transposed", [[3, 4]]) { $0[0].transposed().squared() },
    GradientCase("columns", [[3, 4]]) { $0[0].columns(1..<3).squared() },
    GradientCase("diagonal", [[4, 4]]) { $0[0].diagonal().squared() },
    GradientCase("matrix product", [[3, 4], [4, 2]]) { $0[0].times($0[1]) },
    GradientCase("linear", [[3, 4], [4, 2], [2]]) { $0[0].linear(weights: $0[1], bias: $0[2]) },
    GradientCase("linear, tanh", [[3, 4], [4, 2], [2]]) {
      $0[0].linear(weights: $0[1], bias: $0[2], activation: .tanh)
    },
    GradientCase("pairwise Gaussian density", [[3, 2], [5, 2], [5, 2]]) {
      $0[0].pairwiseGaussianLogDensity(mean: $0[1], logVariance: $0[2])
    },
    GradientCase("difference of two logits, rows and parameters", [[3, 2], [2, 4], [4], [4, 2], [2]]) { x in
      let layers = [
        LogitDifference<Double>.Layer(weights: x[1].value, bias: x[2].value, activation: .tanh),
        LogitDifference<Double>.Layer(weights: x[3].value, bias: x[4].value, activation: .identity),
      ]
      let difference = LogitDifference(layers, capacity: 3, on: x[0].value.device)
      difference.append(x[0].value)
      return difference.variable(of: x[0], weights: [x[1], x[3]], biases: [x[2], x[4]])
    },
    convolution("kernel 4, stride 2, padding 1", 4, 2, 1, 6, 2, 3),
    convolution("kernel 3, stride 1, padding 1", 3, 1, 1, 4, 2, 2),
    convolution("kernel 5, stride 3, padding 0, odd remainder", 5, 3, 0, 9, 1, 2),
    convolution("kernel 2, stride 2", 2, 2, 0, 4, 3, 1),
    convolution("transposed, kernel 4, stride 2, padding 1", 4, 2, 1, 6, 2, 3, transposed: true),
    convolution("transposed, kernel 3, stride 1, padding 1", 3, 1, 1, 4, 2, 2, transposed: true),
    convolution("transposed, kernel 5, stride 2, padding 2", 5, 2, 2, 7, 2, 1, transposed: true),
  ]

  /// Every operation of the tape.
  static let all = arithmetic + normalizations + images

  static func convolution(
    _ name: String, _ kernel: Int, _ stride: Int, _ padding: Int, _ extent: Int, _ high: Int, _ low: Int,
    transposed: Bool = false
  ) -> GradientCase {
    let g = ConvolutionGeometry(
      kernel: kernel, stride: stride, padding: padding,
      high: ImageShape(height: extent, width: extent, channels: high), lowChannels: low)
    let layer = ConvolutionLayer(g, transposed: transposed, activation: .tanh)
    return GradientCase(name, [layer.input.batch(2), g.weightShape, [layer.output.channels]]) {
      $0[0].convolved(layer, weights: $0[1], bias: $0[2])
    }
  }

  /// Normalisations of images and of vectors.
  static let normalizations: [GradientCase] = [
    GradientCase("batch normalisation in training", [[3, 2, 3, 4], [4], [4]]) {
      $0[0].batchNormalized(scale: $0[1], shift: $0[2], epsilon: 1e-2).value
    },
    GradientCase("batch normalisation of vectors in training, tanh", [[5, 3], [3], [3]]) {
      $0[0].batchNormalized(scale: $0[1], shift: $0[2], epsilon: 1e-2, activation: .tanh).value
    },
    GradientCase("batch normalisation in evaluation, tanh", [[3, 2, 3, 4], [4], [4]]) { inputs in
      let device = inputs[0].value.device
      return inputs[0].normalized(
        mean: Tensor([0.1, -0.3, 0, 2], [4], on: device), variance: Tensor([0.5, 1, 2, 0.1], [4], on: device),
        scale: inputs[1], shift: inputs[2], epsilon: 1e-2, activation: .tanh)
    },
    GradientCase("group normalisation, 2 groups", [[3, 2, 3, 4], [4], [4]]) {
      $0[0].groupNormalized(groups: 2, scale: $0[1], shift: $0[2], epsilon: 1e-2)
    },
    GradientCase("group normalisation, 1 group, tanh", [[2, 2, 2, 3], [3], [3]]) {
      $0[0].groupNormalized(groups: 1, scale: $0[1], shift: $0[2], epsilon: 1e-2, activation: .tanh)
    },
    GradientCase("group normalisation of vectors, a group for each 2 of 6", [[4, 6], [6], [6]]) {
      $0[0].groupNormalized(groups: 3, scale: $0[1], shift: $0[2], epsilon: 1e-2)
    },
  ]

  /// Operations that move pixels.
  static let images: [GradientCase] = [
    GradientCase("nearest upsampling by 2", [[2, 3, 2, 3]]) { $0[0].upsampled(by: 2).squared() },
    GradientCase("nearest upsampling by 3", [[1, 2, 2, 1]]) { $0[0].upsampled(by: 3).squared() },
    GradientCase("spatial broadcast", [[3, 2]]) { $0[0].spatiallyBroadcast(height: 3, width: 4).squared() },
    GradientCase("zero padding", [[2, 3, 2, 2]]) {
      $0[0].padded(ImageEdges(top: 1, left: 2, bottom: 0, right: 3)).squared()
    },
    GradientCase("cropping", [[2, 4, 5, 2]]) {
      $0[0].cropped(ImageEdges(top: 1, left: 0, bottom: 2, right: 3)).squared()
    },
  ]
}

@Suite("Gradients of every operation")
struct GradientCheckTests {
  @Test("The tape's gradients equal finite differences to a relative 1e-6", arguments: GradientCase.all)
  func gradient(_ row: GradientCase) throws {
    let device = Device(threads: 2)
    var stream = RandomStream(seed: 7).split(row.testDescription)
    let inputs = row.shapes.map { shape in
      Tensor<Double>(
        (0..<shape.count).map { _ in
          let x = stream.uniform() * 2 - 1
          switch row.domain {
          case .any: return x
          case .positive: return 0.5 + abs(x)
          case .awayFromZero: return x + (x < 0 ? -0.2 : 0.2)
          }
        }, shape, on: device)
    }
    #expect(try GradientCheck.worstError(at: inputs, row.function) < 1e-6)
  }

  @Test("A wrong pullback is detected")
  func detectsErrors() throws {
    let device = Device(threads: 1)
    let x = Tensor<Double>([0.3, 0.7], [2], on: device)
    let error = try GradientCheck.worstError(at: [x]) { inputs in
      Variable.recording(inputs[0].value.map(.square), from: inputs) { g, gradients in gradients.add(g, to: inputs[0]) }
    }
    #expect(error > 0.1)
  }

  @Test("A pullback or a value that is not a number is detected", arguments: [0, 1])
  func detectsNaN(place: Int) throws {
    let device = Device(threads: 1)
    let x = Tensor<Double>([0.3, 0.7], [2], on: device)
    let error = try GradientCheck.worstError(at: [x]) { inputs in
      Variable.recording(inputs[0].value.map(.square), from: inputs) { g, gradients in
        var wrong = g.combined(.multiply, inputs[0].value.affine(scale: 2, shift: 0)).elements
        wrong[place] = .nan
        gradients.add(Tensor(wrong, [2], on: device), to: inputs[0])
      }
    }
    #expect(error == .infinity)
    // A logarithm of a negative number: neither the function nor its gradient is a number.
    let negative = Tensor<Double>([1, -1], [2], on: device)
    #expect(try GradientCheck.worstError(at: [negative]) { $0[0].log() } == .infinity)
  }
}
