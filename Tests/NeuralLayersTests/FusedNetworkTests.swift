import Autodiff
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@Suite("Fused runs of convolutions in networks")
struct FusedNetworkTests {
  /// A network of the zoo's kind, with random parameters, and a batch for it.
  struct Example {
    let store: ParameterStore
    let network: Network
    let input: Tensor<Float>
    let device: Device

    init(
      from form: LayerForm, level: VectorLevel = .best, batch: Int = 5, _ build: (inout NetworkBuilder) throws -> Void
    ) throws {
      device = Device(threads: 2, level: level)
      store = ParameterStore(on: device)
      var builder = NetworkBuilder("network", from: form, in: store)
      try build(&builder)
      network = try builder.network()
      store.initialize(.kaimingUniform, from: RandomStream(seed: 11))
      input = Tensor(repeating: 0, form.batch(batch), on: device)
      var stream = RandomStream(seed: 12)
      input.withMutableElements { stream.fillNormal($0) }
    }

    /// Two convolutions as the zoo's encoders or decoders have them.
    init(transposed: Bool, level: VectorLevel = .best) throws {
      let image = ImageShape(height: 16, width: 16), features = ImageShape(height: 4, width: 4, channels: 32)
      try self.init(from: .image(transposed ? features : image), level: level) { builder in
        for index in 0..<2 {
          if transposed {
            try builder.transposedConvolution(
              index == 0 ? 32 : 1, kernel: 4, stride: 2, padding: 1, activation: index == 0 ? .relu : .identity)
          } else {
            try builder.convolution(32, kernel: 4, stride: 2, padding: 1, activation: .relu)
          }
        }
      }
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

    func expectEqual(
      _ a: (Variable<Float>, Pass) -> Variable<Float>, _ b: (Variable<Float>, Pass) -> Variable<Float>,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let a = try gradients(a), b = try gradients(b)
      // Sums of thousands of products in different orders.
      #expect(relativeDifference(a.value, b.value) < 1e-5, sourceLocation: sourceLocation)
      #expect(relativeDifference(a.parameters, b.parameters) < 1e-5, sourceLocation: sourceLocation)
      #expect(relativeDifference(a.input, b.input) < 1e-5, sourceLocation: sourceLocation)
    }
  }

  static let levels = VectorLevel.allCases.filter { $0 <= .best }

  @Test("The fused path equals the general path in value and every gradient to 1e-5", arguments: [false, true], levels)
  func fusedEqualsGeneral(transposed: Bool, level: VectorLevel) throws {
    let example = try Example(transposed: transposed, level: level)
    #expect(example.network.isFused)
    try example.expectEqual({ example.network($0, $1).squared() }, { example.network.layerByLayer($0, $1).squared() })
  }

  static let likelihoods: [Likelihood] = [
    .bernoulli, .gaussian(standardDeviation: 0.5), .laplace(scale: 0.7),
  ]

  /// Images of zeros and ones for a network.
  private func target(_ example: Example) -> Tensor<Float> {
    let shape = example.network.output.batch(5)
    return Tensor((0..<shape.count).map { $0 % 3 == 0 ? 1 : 0 }, shape, on: example.device)
  }

  @Test(
    "The distortion with its backward pass inside equals the general path to 1e-5",
    arguments: 0..<3, [Float(1), 3])
  func meanDistortion(likelihood index: Int, weight: Float) throws {
    let likelihood = Self.likelihoods[index], example = try Example(transposed: true)
    let target = target(example)
    try example.expectEqual(
      { example.network.meanDistortion(of: target, from: $0, likelihood, $1) * weight },
      { likelihood.distortions(output: example.network.layerByLayer($0, $1), target: target).mean() * weight })
  }

  @Test("A loss that weights images by their distortions gets its own gradient")
  func importanceWeighted() throws {
    let example = try Example(transposed: true), target = target(example)
    // log Σ e^{−D/100}: the weights of the images depend on their distortions.
    func bound(_ distortion: Variable<Float>) -> Variable<Float> {
      -(distortion * -0.01).reshaped([1, 5]).logSumExp(axis: 1)
    }
    try example.expectEqual(
      { bound(example.network.distortions(of: target, from: $0, .bernoulli, $1)) },
      { bound(Likelihood.bernoulli.distortions(output: example.network.layerByLayer($0, $1), target: target)) })
  }

  @Test("Runs are found whatever stands around them, convolutions without bias among them")
  func mixed() throws {
    let example = try Example(from: .image(ImageShape(height: 30, width: 30, channels: 3))) { builder in
      try builder.pad(toHeight: 32, width: 32)
      try builder.convolution(32, kernel: 4, stride: 2, padding: 1, hasBias: false, activation: .relu)
      try builder.convolution(64, kernel: 2, stride: 2)
      builder.batchNormalization(activation: .relu)
      try builder.residual(activation: .relu) { main in
        try main.convolution(64, kernel: 3, padding: 1, activation: .relu)
        try main.transposedConvolution(64, kernel: 4, stride: 2, padding: 1, activation: .relu)
        try main.convolution(64, kernel: 4, stride: 2, padding: 1)
      }
      try builder.transposedConvolution(32, kernel: 4, stride: 2, padding: 1, activation: .relu)
      try builder.transposedConvolution(3, kernel: 4, stride: 2, padding: 1)
      try builder.crop(toHeight: 29, width: 31)
    }
    #expect(!example.network.isFused)
    #expect(example.network.fusedConvolutionCount == 6)
    #expect(example.network.output == .image(ImageShape(height: 29, width: 31, channels: 3)))
    try example.expectEqual({ example.network($0, $1).squared() }, { example.network.layerByLayer($0, $1).squared() })
    let target = target(example)
    try example.expectEqual(
      { example.network.meanDistortion(of: target, from: $0, .bernoulli, $1) },
      { Likelihood.bernoulli.distortions(output: example.network.layerByLayer($0, $1), target: target).mean() })
  }

  @Test("A last convolution with an activation keeps it under a likelihood")
  func activatedOutput() throws {
    let example = try Example(from: .image(ImageShape(height: 4, width: 4, channels: 32))) { builder in
      try builder.transposedConvolution(32, kernel: 4, stride: 2, padding: 1, activation: .relu)
    }
    #expect(example.network.isFused)
    let target = target(example)
    try example.expectEqual(
      { example.network.meanDistortion(of: target, from: $0, .gaussian(standardDeviation: 1), $1) },
      {
        Likelihood.gaussian(standardDeviation: 1)
          .distortions(output: example.network.layerByLayer($0, $1), target: target).mean()
      })
  }

  @Test("Shapes outside the fused kernels take the general path")
  func general() throws {
    let example = try Example(from: .image(ImageShape(height: 7, width: 9, channels: 2)), batch: 2) { builder in
      try builder.convolution(5, kernel: 3, padding: 1, activation: .relu)
    }
    #expect(!example.network.isFused && example.network.fusedConvolutionCount == 0)
    #expect(example.network(Variable(example.input), .evaluation(on: example.device)).shape == [2, 7, 9, 5])
  }
}
