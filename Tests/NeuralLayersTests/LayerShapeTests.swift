import Autodiff
import Diagnostics
import NeuralLayers
import TensorCore
import TestSupport
import Testing

/// Layers that are given batches that do not fit stop with their name and the shapes; networks that do not fit are errors.
@Suite("Batches that do not fit")
struct LayerShapeTests {
  private static func x(_ shape: Shape) -> Variable<Float> {
    Variable(Tensor(repeating: 1, shape, on: Device(threads: 1)))
  }

  private static func store() -> ParameterStore { ParameterStore(on: Device(threads: 1)) }
  private static func pass() -> Pass { .evaluation(on: Device(threads: 1)) }

  static let cases: [StoppedCase] = [
    StoppedCase("DiagonalGaussian", "[2, 3]", "[2, 4]") {
      _ = DiagonalGaussian(mean: x([2, 3]), logVariance: x([2, 4]))
    },
    StoppedCase("sample", "[2, 4]", "[2, 3]") {
      _ = DiagonalGaussian(mean: x([2, 3]), logVariance: x([2, 3])).sample(noise: x([2, 4]).value)
    },
    StoppedCase("logDensity", "[3, 3]", "[2, 3]") {
      _ = DiagonalGaussian(mean: x([2, 3]), logVariance: x([2, 3])).logDensity(of: x([3, 3]))
    },
    StoppedCase("standardNormalLogDensity", "[2, 3, 4]") { _ = standardNormalLogDensity(of: x([2, 3, 4])) },
    StoppedCase("distortions", "[2, 4]", "[2, 5]") {
      _ = Likelihood.bernoulli.distortions(output: x([2, 4]), target: x([2, 5]).value)
    },
    StoppedCase("Dense", "fc takes batches of 3 values", "[2, 4]") {
      _ = Dense("fc", inputs: 3, outputs: 2, in: store())(x([2, 4]), pass())
    },
    StoppedCase("convolved", "[1, 5, 6, 1]", "6×6×1") {
      let layer = ConvolutionLayer(from: ImageShape(height: 6, width: 6), channels: 2, kernel: 3)
      _ = Convolution("c", layer, in: store())(x([1, 5, 6, 1]), pass())
    },
    StoppedCase("normalized", "[2, 4]") {
      _ = BatchNormalization("norm", from: .vector(3), in: store())(x([2, 4]), pass())
    },
    StoppedCase("GroupNormalization", "5 channels of norm", "2 groups") {
      _ = GroupNormalization("norm", groups: 2, from: .vector(5), in: store())
    },
    StoppedCase("NearestUpsampling", "by 0") {
      _ = NearestUpsampling("up", by: 0, from: ImageShape(height: 2, width: 2))
    },
    StoppedCase("Network", "encoder", "[2, 4]") {
      var network = NetworkBuilder("encoder", from: .vector(3), in: store())
      network.dense(2)
      _ = (try? network.network())?(x([2, 4]), pass())
    },
    StoppedCase("restore", "[1]", "[16]") {
      let store = Self.store()
      _ = store.add("p", [16])
      Optimizer(.sgd(learningRate: 1, momentum: 0), for: store).restore(steps: 1, moments: [[1]])
    },
    StoppedCase("portable", "3 elements", "[4]") {
      _ = ParameterLayout.vector(count: 4, image: nil).portable([1, 2, 3])
    },
    StoppedCase("native", "3 elements", "[2, 2]") {
      _ = ParameterLayout.matrix(inputs: 2, outputs: 2, inputImage: nil, outputImage: nil).native([1, 2, 3])
    },
    StoppedCase("ParameterStore", "two arrays are named p") {
      let store = Self.store()
      _ = (store.add("p", [1]), store.add("p", [1]))
    },
  ]

  @Test(arguments: cases.indices)
  func `A layer names itself and the shapes it was given`(index: Int) async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      [index = index as Int] in Self.cases[index].run()
    }
    Self.cases[index].check(result?.standardErrorContent)
  }

  @Test func `Parameters that no memory can hold are counted and never allocated`() throws {
    let store = Self.store(), huge = 4_000_000_000
    for number in 1...3 { _ = Dense("fc\(number)", inputs: huge, outputs: huge, in: store) }
    _ = store.addBuffer("running", count: .max, initialValue: 0)
    #expect(store.count == .max)
    let requirement = store.requirement("the parameters", copies: 4, at: "model.width", action: "Choose less.")
    let error = #expect(throws: StructuredError.self) { try requirement.check() }
    #expect(error?.description.hasPrefix("model.width: the parameters would take more than 9 EB of memory") == true)
  }

  @Test func `A layer of more inputs and outputs than numbers has a count`() {
    let layer = ConvolutionLayer(
      from: ImageShape(height: 4, width: 4, channels: 1 << 40), channels: 1 << 40, kernel: 4)
    let store = Self.store()
    _ = Convolution("c", layer, in: store)
    #expect(store.count == .max)
  }
}
