import Autodiff
import TensorCore
import TestSupport
import Testing

/// Operations of the tape that are given operands that do not fit stop with their name and the shapes.
@Suite("Shapes of variables that do not fit")
struct VariableShapeTests {
  private static func x(_ shape: Shape) -> Variable<Float> {
    Variable(Tensor(repeating: 1, shape, on: Device(threads: 1)))
  }

  private static let layer = ConvolutionLayer(
    from: ImageShape(height: 8, width: 8, channels: 32), channels: 32, kernel: 4, stride: 2, padding: 1)

  private static func stack() -> FusedConvolutionStack {
    guard let stack = FusedConvolutionStack(layers: [layer], device: Device(threads: 1)) else {
      preconditionFailure("the fused kernels take this layer")
    }
    return stack
  }

  static let cases: [StoppedCase] = [
    StoppedCase("broadcast", "[2, 3]", "[2]") { _ = x([2, 3]) + x([2]) },
    StoppedCase("broadcast", "[2, 3]", "[4, 3]") { _ = x([2, 3]) - x([4, 3]) },
    StoppedCase("broadcast", "[2, 3]", "[2]") { _ = x([2, 3]) * x([2]) },
    StoppedCase("broadcast", "[2, 3]", "[2]") { _ = x([2, 3]) / x([2]) },
    StoppedCase("convolved", "[1, 8, 7, 32]", "8×8×32") {
      _ = x([1, 8, 7, 32]).convolved(layer, weights: x([512, 32]), bias: x([32]))
    },
    StoppedCase("fused", "[1, 8, 7, 32]", "8×8×32") {
      _ = x([1, 8, 7, 32]).fused(stack(), weights: [x([512, 32])], biases: [x([32])])
    },
    StoppedCase("fused", "[511, 32]", "[512, 32]") {
      _ = x([1, 8, 8, 32]).fused(stack(), weights: [x([511, 32])], biases: [x([32])])
    },
    StoppedCase("fusedDistortions", "[1, 4, 3, 32]", "4×4×32") {
      _ = x([1, 8, 8, 32]).fusedDistortions(
        of: x([1, 4, 3, 32]).value, stack(), .bernoulli, weights: [x([512, 32])], biases: [x([32])])
    },
    StoppedCase("fusedDistortions", "[512, 31]") {
      _ = x([1, 8, 8, 32]).fusedMeanDistortion(
        of: x([1, 4, 4, 32]).value, stack(), .bernoulli, weights: [x([512, 31])], biases: [x([32])], isTraining: true)
    },
    StoppedCase("pairwiseGaussian", "[2, 3]", "[4, 2]") {
      _ = x([2, 3]).pairwiseGaussianLogDensity(mean: x([4, 2]), logVariance: x([4, 2]))
    },
    StoppedCase("padded", "[2, 3]") { _ = x([2, 3]).padded(.none) },
    StoppedCase("cropped", "[2, 3]") { _ = x([2, 3]).cropped(.none) },
    StoppedCase("upsampled", "by 0") { _ = x([1, 2, 2, 1]).upsampled(by: 0) },
    StoppedCase("spatiallyBroadcast", "[2, 3, 4]") { _ = x([2, 3, 4]).spatiallyBroadcast(height: 2, width: 2) },
    StoppedCase("times", "[2, 3]", "[2, 4]") { _ = x([2, 3]).times(x([2, 4])) },
    StoppedCase("linear", "[2, 3]", "[4, 5]", "[5]") { _ = x([2, 3]).linear(weights: x([4, 5]), bias: x([5])) },
    StoppedCase("linear", "[2, 3]", "[3, 5]", "[4]") { _ = x([2, 3]).linear(weights: x([3, 5]), bias: x([4])) },
    StoppedCase("normalized", "[4]", "[2, 5]") {
      _ = x([2, 5]).batchNormalized(scale: x([4]), shift: x([5]), epsilon: 1)
    },
    StoppedCase("normalized", "[1, 4]", "[2, 5]") {
      _ = x([2, 5]).normalized(
        mean: x([4]).value, variance: x([4]).value, scale: x([5]), shift: x([5]), epsilon: 1)
    },
    StoppedCase("groupNormalized", "[2, 5]", "2 groups") {
      _ = x([2, 5]).groupNormalized(groups: 2, scale: x([5]), shift: x([5]), epsilon: 1)
    },
    StoppedCase("sum", "[2, 3]", "axis 2") { _ = x([2, 3]).sum(axis: 2) },
    StoppedCase("sum", "[2, 3]", "axis 2") { _ = x([2, 3]).mean(axis: 2) },
    StoppedCase("logSumExp", "[2, 3]", "axis -3") { _ = x([2, 3]).logSumExp(axis: -3) },
    StoppedCase("reshaped", "[2, 3]", "[4]") { _ = x([2, 3]).reshaped([4]) },
    StoppedCase("transposed", "[3]") { _ = x([3]).transposed() },
    StoppedCase("columns", "[2, 3]", "2..<4") { _ = x([2, 3]).columns(2..<4) },
    StoppedCase("diagonal", "[2, 3]") { _ = x([2, 3]).diagonal() },
    StoppedCase("LogitDifference", "[3, 4]", "[5, 2]") {
      let layers = [(3, 4), (5, 2)].map {
        LogitDifference<Float>.Layer(weights: x([$0, $1]).value, bias: x([$1]).value, activation: .identity)
      }
      _ = LogitDifference(layers, capacity: 4, on: Device(threads: 1))
    },
    StoppedCase("append", "[2, 4]", "inputs of 3") {
      let layer = LogitDifference<Float>.Layer(weights: x([3, 2]).value, bias: x([2]).value, activation: .identity)
      LogitDifference([layer], capacity: 4, on: Device(threads: 1)).append(x([2, 4]).value)
    },
    StoppedCase("variable", "[2, 4]", "0 rows") {
      let layer = LogitDifference<Float>.Layer(weights: x([3, 2]).value, bias: x([2]).value, activation: .identity)
      _ = LogitDifference([layer], capacity: 4, on: Device(threads: 1)).variable(of: x([2, 4]))
    },
    StoppedCase("track", "[2]", "[3]") {
      _ = Tape<Float>(on: Device(threads: 1)).track(x([3]).value, gradientInto: x([2]).value)
    },
    StoppedCase("backward", "[2]") {
      let tape = Tape<Float>(on: Device(threads: 1))
      _ = try? tape.backward(from: tape.track(x([2]).value) * 2)
    },
    StoppedCase("recording", "[2]", "different tapes") {
      let device = Device(threads: 1)
      _ = Tape<Float>(on: device).track(x([2]).value) + Tape<Float>(on: device).track(x([2]).value)
    },
    StoppedCase("add", "[3]", "[2]") {
      let tape = Tape<Float>(on: Device(threads: 1)), a = tape.track(x([2]).value)
      let wrong = Variable.recording(x([]).value, from: [a]) { _, gradients in gradients.add(x([3]).value, to: a) }
      _ = try? tape.backward(from: wrong)
    },
    StoppedCase("gradients", "[2]") {
      let tape = Tape<Float>(on: Device(threads: 1)), a = tape.track(x([]).value)
      _ = (try? tape.backward(from: a * 2))?[x([2])]
    },
  ]

  @Test(arguments: cases.indices)
  func `An operation names itself and the shapes it was given`(index: Int) async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      [index = index as Int] in Self.cases[index].run()
    }
    Self.cases[index].check(result?.standardErrorContent)
  }
}
