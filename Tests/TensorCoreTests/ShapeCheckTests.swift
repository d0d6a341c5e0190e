import TensorCore
import TestSupport
import Testing

/// Operands that do not fit stop the program with a message that names the operation and the shapes, in every build.
@Suite("Shapes that do not fit")
struct ShapeCheckTests {
  private static func tensor(_ shape: Shape) -> Tensor<Float> {
    Tensor(repeating: 1, shape, on: Device(threads: 1))
  }

  private static let convolution = ConvolutionLayer(
    from: ImageShape(height: 6, width: 6, channels: 2), channels: 3, kernel: 3)

  /// Every operation with operands that do not fit.
  static let cases: [StoppedCase] = [
    StoppedCase("Tensor", "3 elements", "[2, 2]") { _ = Tensor<Float>([1, 2, 3], [2, 2], on: Device(threads: 1)) },
    StoppedCase("Tensor", "more than any memory") { _ = tensor([1 << 40, 1 << 40]) },
    StoppedCase("Tensor", "more than any memory") { _ = tensor([1 << 61]) },
    StoppedCase("view", "[3]", "[4]") { _ = Tensor(viewing: tensor([4]), offset: 2, shape: [3]) },
    StoppedCase("scalar", "[2, 3]") { _ = tensor([2, 3]).scalar },
    StoppedCase("copy", "[3]", "[2, 3]") { tensor([2, 3]).copy(from: tensor([3])) },
    StoppedCase("reshaped", "[2, 3]", "[4]") { _ = tensor([2, 3]).reshaped([4]) },
    StoppedCase("rows", "[2, 3]", "1..<3") { _ = tensor([2, 3]).rows(1..<3) },
    StoppedCase("rows", "no axis 0") { _ = tensor([]).rows(0..<1) },
    StoppedCase("broadcast", "[2, 3]", "[2]") { _ = tensor([2, 3]).combined(.add, tensor([2])) },
    StoppedCase("add", "[2]", "[3]") { tensor([3]).add(tensor([2])) },
    StoppedCase("sum", "[2, 3]", "axis 2") { _ = tensor([2, 3]).sum(axis: 2) },
    StoppedCase("logSumExp", "[2, 3]", "axis -3") { _ = tensor([2, 3]).logSumExp(axis: -3) },
    StoppedCase("sum(to:)", "[3]", "[1]") { _ = tensor([1]).sum(to: [3]) },
    StoppedCase("times", "[2, 3]", "[2, 4]") { _ = tensor([2, 3]).times(tensor([2, 4])) },
    StoppedCase("times", "[2, 3]", "[3, 1, 4]") {
      Tensor.multiply(tensor([2, 3]), tensor([3, 1, 4]), into: tensor([2, 4]))
    },
    StoppedCase("times", "[2, 3]", "[2, 1, 4]") {
      Tensor.multiply(tensor([2, 3]), tensor([3, 4]), into: tensor([2, 1, 4]))
    },
    StoppedCase("ImageShape", "0×2×1") { _ = ImageShape(height: 0, width: 2) },
    StoppedCase("ImageShape", "2×0×1") { _ = ImageShape(height: 2, width: 0) },
    StoppedCase("ImageShape", "2×2×0") { _ = ImageShape(height: 2, width: 2, channels: 0) },
    StoppedCase("times", "[2, 3]", "[3]") { _ = tensor([2, 3]).times(tensor([3])) },
    StoppedCase("times", "[2, 3]", "[3, 4]", "[2, 5]") {
      Tensor.multiply(tensor([2, 3]), tensor([3, 4]), into: tensor([2, 5]))
    },
    StoppedCase("transposed", "[2, 3, 4]") { _ = tensor([2, 3, 4]).transposed() },
    StoppedCase("columns", "[2, 3]", "2..<4") { _ = tensor([2, 3]).columns(2..<4) },
    StoppedCase("setColumns", "[2, 2]", "0..<3") { tensor([2, 3]).setColumns(0..<3, to: tensor([2, 2])) },
    StoppedCase("activate", "[2]", "[4, 3]") { tensor([4, 3]).activate(.relu, bias: tensor([2])) },
    StoppedCase("activationGradient", "[2]", "[3]") { _ = tensor([3]).activationGradient(.relu, tensor([2])) },
    StoppedCase("adam", "[2]", "[3]") {
      tensor([3]).adam(
        gradient: tensor([2]), first: tensor([3]), second: tensor([3]),
        AdamStep(rate: 1, beta1: 0.9, beta2: 0.9, epsilon: 1, step: 1))
    },
    StoppedCase("adam", "[4, 2]", "[3, 2]") {
      tensor([3, 2]).adam(
        gradientOf: tensor([4, 2]), tensor([4, 2]), first: tensor([3, 2]), second: tensor([3, 2]),
        AdamStep(rate: 1, beta1: 0.9, beta2: 0.9, epsilon: 1, step: 1))
    },
    StoppedCase("descend", "[2]", "[3]") {
      tensor([3]).descend(tensor([3]), gradient: tensor([2]), rate: 1, momentum: 0)
    },
    StoppedCase("padded", "[2, 3]") { _ = tensor([2, 3]).padded(.none) },
    StoppedCase("cropped", "[1, 2, 2, 1]") {
      _ = tensor([1, 2, 2, 1]).cropped(ImageEdges(top: 1, left: 0, bottom: 1, right: 0))
    },
    StoppedCase("upsampled", "[1, 2, 2, 1]", "by 0") { _ = tensor([1, 2, 2, 1]).upsampled(by: 0) },
    StoppedCase("blockSums", "[1, 3, 4, 1]", "2 × 2") { _ = tensor([1, 3, 4, 1]).blockSums(by: 2) },
    StoppedCase("spatiallyBroadcast", "[2, 3, 4]") { _ = tensor([2, 3, 4]).spatiallyBroadcast(height: 2, width: 2) },
    StoppedCase("convolved", "[1, 6, 5, 2]", "6×6×2") {
      _ = tensor([1, 6, 5, 2]).convolved(convolution, weights: tensor([18, 3]), bias: tensor([3]))
    },
    StoppedCase("convolved", "[17, 3]", "[18, 3]") {
      _ = tensor([1, 6, 6, 2]).convolved(convolution, weights: tensor([17, 3]), bias: tensor([3]))
    },
    StoppedCase("convolutionGradients", "[1, 4, 4, 2]", "[1, 4, 4, 3]") {
      tensor([1, 4, 4, 3]).convolutionGradients(
        convolution, input: tensor([1, 6, 6, 2]), weights: tensor([18, 3]), gradient: tensor([1, 4, 4, 2]),
        weightGradient: tensor([18, 3]), biasGradient: tensor([3]), inputGradient: nil)
    },
    StoppedCase("pairwiseGaussian", "[2, 3]", "[4, 2]") {
      _ = Tensor.pairwiseGaussian(tensor([2, 3]), tensor([4, 2]), tensor([4, 2]))
    },
    StoppedCase("pairwiseGaussianGradient", "[3, 2, 5]", "[2, 3]", "[4, 3]") {
      _ = Tensor.pairwiseGaussianGradient(
        tensor([2, 3]), tensor([4, 3]), tensor([4, 3]), gradient: tensor([3, 2, 5]))
    },
    StoppedCase("normalizationStatistics", "[2, 5]", "groups of 2") {
      _ = tensor([2, 5]).normalizationStatistics(.channels(2))
    },
    StoppedCase("normalized", "[4]", "[2, 5]") {
      _ = tensor([2, 5]).normalized(
        tensor([2, 5]).normalizationStatistics(.batch), scale: tensor([4]), shift: tensor([5]), epsilon: 1,
        activation: .identity)
    },
    StoppedCase("normalizationGradient", "[2, 4]", "[2, 5]") {
      _ = tensor([2, 5]).normalizationGradient(
        tensor([2, 5]).normalizationStatistics(.batch), scale: tensor([5]), epsilon: 1, gradient: tensor([2, 4]),
        throughStatistics: true, needsInput: true)
    },
    StoppedCase("Shape", "[-1, 2]") { _ = Shape([-1, 2]) },
    StoppedCase("Shape", "[2, 3]", "axis 2") { _ = Shape([2, 3])[2] },
    StoppedCase("reducing", "[2, 3]", "axis 5") { _ = Shape([2, 3]).reducing(5) },
    StoppedCase("ImageShape", "0×2×1") { _ = ImageShape(height: 0, width: 2) },
    StoppedCase("ImageEdges", "-1") { _ = ImageEdges(top: 0, left: -1, bottom: 0, right: 0) },
    StoppedCase("ConvolutionGeometry", "7", "6×6×2") {
      _ = ConvolutionLayer(from: ImageShape(height: 6, width: 6, channels: 2), channels: 3, kernel: 7)
    },
    StoppedCase("MixtureDensity", "3 means", "2 log-variances") {
      _ = MixtureDensity(means: [1, 2, 3], logVariances: [1, 2], dimensions: 1, on: Device(threads: 1))
    },
    StoppedCase("logDensities", "3 values", "points of 2") {
      let device = Device(threads: 1)
      let mixture = MixtureDensity(means: [1, 2], logVariances: [1, 2], dimensions: 2, on: device)
      _ = mixture.logDensities(at: [1, 2, 3], marginals: false, on: device)
    },
    StoppedCase("logPairDensities", "2 values", "3 references") {
      let device = Device(threads: 1)
      let mixture = MixtureDensity(means: [1, 2], logVariances: [1, 2], dimensions: 2, on: device)
      _ = mixture.logPairDensities(at: [1, 2], references: [1, 2, 3], on: device)
    },
    StoppedCase("weights", "batch of 1", "2 ≤ B ≤ N") {
      _ = MinibatchEstimator.stratified.weights(batch: 1, dataCount: 3)
    },
    StoppedCase("integer(below:)", "bound is 0") {
      var stream = RandomStream(seed: 1)
      _ = stream.integer(below: 0)
    },
    StoppedCase("distinct", "not 4", "below 3") {
      var stream = RandomStream(seed: 1)
      _ = stream.distinct(4, below: 3)
    },
  ]

  @Test(arguments: cases.indices)
  func `An operation names itself and the shapes it was given`(index: Int) async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      [index = index as Int] in Self.cases[index].run()
    }
    Self.cases[index].check(result?.standardErrorContent)
  }

  @Test func `A shape with more elements than there are numbers has as many as can be said`() {
    #expect(Shape([1 << 40, 1 << 40]).count == Int.max)
    #expect(Shape([1 << 40, 1 << 40, 0]).count == 0)
    #expect(ImageShape(height: 1 << 40, width: 1 << 40, channels: 2).count == Int.max)
  }
}
