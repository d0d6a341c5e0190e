import Autodiff
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@Suite("Convolution stacks")
struct ConvolutionStackTests {
  /// A stack of the zoo's kind, with random parameters, and an image batch for it.
  struct Example {
    let store: ParameterStore
    let stack: ConvolutionStack
    let input: Tensor<Float>
    let device: Device

    init(transposed: Bool, level: VectorLevel, batch: Int = 5) {
      device = Device(threads: 2, level: level)
      store = ParameterStore(on: device)
      func layer(_ channels: Int, _ activation: Activation = .relu) -> ConvolutionStack.Layer {
        .init(kernel: 4, stride: 2, padding: 1, channels: channels, activation: activation)
      }
      let image = ImageShape(height: 16, width: 16, channels: 1),
        features = ImageShape(height: 4, width: 4, channels: 32)
      stack =
        transposed
        ? ConvolutionStack(
          ["a", "b"], layers: [layer(32), layer(1, .identity)], input: features, transposed: true, in: store)
        : ConvolutionStack(["a", "b"], layers: [layer(32), layer(32)], input: image, transposed: false, in: store)
      store.initialize(.kaimingUniform, from: RandomStream(seed: 11))
      input = Tensor(repeating: 0, (transposed ? features : image).batch(batch), on: device)
      var stream = RandomStream(seed: 12)
      input.withMutableElements { stream.fillNormal($0) }
    }

    /// A value and all gradients: parameters, and the input.
    func gradients(
      _ loss: (Variable<Float>, Pass) -> Variable<Float>
    ) throws -> (value: [Float], parameters: [Float], input: [Float]) {
      let pass = Pass(training: [store], on: device)
      let x = pass.tape.track(input)
      let y = loss(x, pass)
      let value = y.value.elements
      let gradients = try pass.tape.backward(from: y.sum())
      return (value, store.gradients.elements, gradients[x].elements)
    }
  }

  static let levels = VectorLevel.allCases.filter { $0 <= .best }

  @Test("The fused path equals the general path in value and every gradient to 1e-5", arguments: [false, true], levels)
  func fusedEqualsGeneral(transposed: Bool, level: VectorLevel) throws {
    let example = Example(transposed: transposed, level: level)
    #expect(example.stack.isFused)
    let fused = try example.gradients { example.stack($0, $1).squared() }
    let general = try example.gradients { example.stack.general($0, $1).squared() }
    #expect(relativeDifference(fused.value, general.value) < 1e-5)
    #expect(relativeDifference(fused.parameters, general.parameters) < 1e-5)
    #expect(relativeDifference(fused.input, general.input) < 1e-5)
  }

  static let likelihoods: [Likelihood] = [
    .bernoulli, .gaussian(standardDeviation: 0.5), .laplace(scale: 0.7),
  ]

  @Test(
    "The distortion with its backward pass inside equals the general path to 1e-5",
    arguments: 0..<3, [Float(1), 3])
  func meanDistortion(likelihood index: Int, weight: Float) throws {
    let likelihood = Self.likelihoods[index]
    let example = Example(transposed: true, level: .best)
    let target = Tensor<Float>(
      (0..<5 * 256).map { $0 % 3 == 0 ? 1 : 0 }, example.stack.output.batch(5), on: example.device)
    let fused = try example.gradients { x, pass in
      example.stack.meanDistortion(of: target, from: x, likelihood, pass) * weight
    }
    let general = try example.gradients { x, pass in
      likelihood.distortions(output: example.stack.general(x, pass), target: target).mean() * weight
    }
    #expect(relativeDifference(fused.value, general.value) < 1e-5)
    #expect(relativeDifference(fused.parameters, general.parameters) < 1e-5)
    #expect(relativeDifference(fused.input, general.input) < 1e-5)
  }

  @Test("A loss that weights images by their distortions gets its own gradient")
  func importanceWeighted() throws {
    let example = Example(transposed: true, level: .best)
    let target = Tensor<Float>(repeating: 1, example.stack.output.batch(5), on: example.device)
    // log Σ e^{−D/100}: the weights of the images depend on their distortions.
    func bound(_ distortion: Variable<Float>) -> Variable<Float> {
      -(distortion * -0.01).reshaped([1, 5]).logSumExp(axis: 1)
    }
    let general = try example.gradients { x, pass in
      bound(Likelihood.bernoulli.distortions(output: example.stack.general(x, pass), target: target))
    }
    let fused = try example.gradients { x, pass in
      bound(example.stack.distortions(of: target, from: x, .bernoulli, pass))
    }
    #expect(relativeDifference(fused.parameters, general.parameters) < 1e-5)
    #expect(relativeDifference(fused.input, general.input) < 1e-5)
  }

  @Test("Shapes outside the fused kernels take the general path")
  func general() throws {
    let device = Device(threads: 2), store = ParameterStore(on: device)
    let stack = ConvolutionStack(
      ["odd"], layers: [.init(kernel: 3, stride: 1, padding: 1, channels: 5, activation: .relu)],
      input: ImageShape(height: 7, width: 9, channels: 2), transposed: false, in: store)
    #expect(!stack.isFused)
    store.initialize(.glorotUniform, from: RandomStream(seed: 1))
    let output = stack(
      Variable(Tensor(repeating: 1, [2, 7, 9, 2], on: device)), .evaluation(on: device))
    #expect(output.shape == [2, 7, 9, 5])
  }
}
