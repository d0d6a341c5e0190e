import Autodiff
import Diagnostics
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@Suite("Networks as lists of layers")
struct NetworkTests {
  let device = Device(threads: 2)
  let image = ImageShape(height: 8, width: 8, channels: 2)

  /// A layer that a user of the package writes: tanh, scaled by one parameter.
  private struct ScaledTanh: Layer {
    let name: String
    let input: LayerForm
    let scale: Parameter
    var output: LayerForm { input }
    var parameters: [Parameter] { [scale] }

    init(_ name: String, from input: LayerForm, in store: ParameterStore) {
      (self.name, self.input) = (name, input)
      scale = store.add(name + ".scale", [1], .vector(count: 1, image: nil), .constant(2))
    }

    func callAsFunction(_ x: Variable<Float>, _ pass: Pass) -> Variable<Float> { x.tanh() * pass(scale) }
  }

  /// A layer that a user makes of the package's layers.
  private struct TwoConvolutions: CompositeLayer {
    let body: Network

    init(_ name: String, from image: ImageShape, in store: ParameterStore) throws {
      var builder = NetworkBuilder(name, from: .image(image), in: store)
      for _ in 1...2 { try builder.convolution(image.channels, kernel: 3, padding: 1, activation: .tanh) }
      body = try builder.network()
    }
  }

  @Test("Layers that do not fit are an error that names both")
  func misfit() throws {
    let store = ParameterStore(on: device)
    let convolution = Convolution(
      "encoder.convolution1", ConvolutionLayer(from: image, channels: 4, kernel: 4, stride: 2, padding: 1), in: store)
    let linear = Dense("encoder.linear1", from: .vector(100), to: .vector(3), in: store)
    let error = #expect(throws: StructuredError.self) {
      try Network("encoder", from: .image(image), [convolution, linear])
    }
    #expect(
      error?.description == """
        encoder: encoder.linear1 does not fit encoder.convolution1, which gives 4×4×4 (expected 100 values)
          Change the sizes of one of the two layers.
        """)
    let first = #expect(throws: StructuredError.self) { try Network("encoder", from: .vector(5), [convolution]) }
    #expect(first?.what == "encoder.convolution1 does not fit the input of encoder, which gives 5 values")
  }

  @Test("A builder refuses what a layer cannot take")
  func builder() throws {
    var vectors = NetworkBuilder("decoder", from: .vector(5), in: ParameterStore(on: device))
    #expect(throws: StructuredError.self) { try vectors.convolution(3, kernel: 3) }
    #expect(throws: StructuredError.self) { try vectors.upsampling() }
    #expect(throws: StructuredError.self) { try vectors.crop(toHeight: 2, width: 2) }
    #expect(throws: StructuredError.self) { try vectors.groupNormalization(groups: 2) }
    var images = NetworkBuilder("decoder", from: .image(image), in: ParameterStore(on: device))
    #expect(throws: StructuredError.self) { try images.convolution(3, kernel: 11, padding: 1) }
    #expect(throws: StructuredError.self) { try images.transposedConvolution(3, kernel: 2, padding: 5) }
    #expect(throws: StructuredError.self) { try images.spatialBroadcast(height: 4, width: 4) }
    #expect(throws: StructuredError.self) { try images.pad(toHeight: 7, width: 9) }
    #expect(throws: StructuredError.self) { try images.crop(toHeight: 7, width: 9) }
    let path = #expect(throws: StructuredError.self) {
      try images.residual { try $0.convolution(3, kernel: 3, padding: 1) }
    }
    #expect(path?.what.hasPrefix("the two paths of decoder.residual1 do not fit") == true)
  }

  @Test("An encoder checks its heads, and a decoder that images come out")
  func ends() throws {
    let store = ParameterStore(on: device)
    var builder = NetworkBuilder("decoder", from: .vector(3), in: store)
    builder.dense(7)
    let network = try builder.network()
    let error = #expect(throws: StructuredError.self) { try Decoder(network, image: image) }
    #expect(error?.description == "decoder gives 7 values (expected images of 8×8×2)")
    let wrong = Dense("encoder.posterior", inputs: 7, outputs: 5, in: store)
    let heads = #expect(throws: StructuredError.self) { try Encoder(network, heads: [wrong], latents: 3) }
    #expect(heads?.expected == "6 values of one head, or 3 of each of two")
    let narrow = Dense("encoder.mean", inputs: 6, outputs: 6, in: store)
    #expect(throws: StructuredError.self) { try Encoder(network, heads: [narrow], latents: 3) }
    let images = try NetworkBuilder("decoder", from: .image(image), in: store).network()
    #expect(throws: StructuredError.self) { try Decoder(images, image: image) }
  }

  @Test("A user's layers train, and those made of the package's layers have its steps")
  func own() throws {
    let store = ParameterStore(on: device)
    var builder = NetworkBuilder("encoder", from: .image(image), in: store)
    builder.add(try TwoConvolutions(builder.nextName("pair"), from: image, in: store))
    builder.add(ScaledTanh(builder.nextName("tanh"), from: builder.form, in: store))
    builder.dense(1)
    let network = try builder.network()
    #expect(
      store.entries.map(\.name) == [
        "encoder.pair1.convolution1.weight", "encoder.pair1.convolution1.bias", "encoder.pair1.convolution2.weight",
        "encoder.pair1.convolution2.bias", "encoder.tanh1.scale", "encoder.linear1.weight", "encoder.linear1.bias",
      ])
    #expect(network.parameters.map(\.name) == store.entries.map(\.name))
    let kinds = network.steps.map { step in
      switch step {
      case .convolution: "convolution"
      case .dense: "dense"
      case .custom(let layer): layer.name
      default: "another"
      }
    }
    #expect(kinds == ["convolution", "convolution", "encoder.tanh1", "dense"])
    store.initialize(.glorotUniform, from: RandomStream(seed: 3))
    let pass = Pass(training: [store], on: device)
    let loss = network(Variable(Tensor(repeating: 0.5, image.batch(2), on: device)), pass).squared().sum()
    try pass.tape.backward(from: loss)
    for parameter in network.parameters {
      #expect(parameter.gradient.elements.contains { $0 != 0 }, "\(parameter.name)")
    }
  }

  @Test("Running statistics are updated once in a pass that trains their store, and by no other")
  func runningStatistics() throws {
    let store = ParameterStore(on: device)
    var builder = NetworkBuilder("encoder", from: .image(image), in: store)
    builder.batchNormalization(momentum: 0.25)
    let network = try builder.network()
    store.initialize(.glorotUniform, from: RandomStream(seed: 3))
    #expect(store.buffers.map(\.name) == ["encoder.norm1.running_mean", "encoder.norm1.running_var"])
    #expect(network.buffers.map(\.name) == store.buffers.map(\.name))
    func values() -> [[Float]] { store.buffers.map(\.value.elements) }
    let begin = values()
    #expect(begin == [[0, 0], [1, 1]])
    let x = Variable(
      Tensor<Float>((0..<2 * image.count).map { Float($0 % 2 == 0 ? 3 : $0 % 7) }, image.batch(2), on: device))

    let other = ParameterStore(on: device)
    for pass in [
      Pass(training: [], mode: .training, on: device), Pass(training: [other], on: device),
      Pass(training: [store], mode: .evaluation, on: device), .evaluation(on: device),
    ] {
      _ = network(x, pass)
      #expect(values() == begin)
    }
    let pass = Pass(training: [store], on: device)
    let first = network(x, pass).value.elements, after = values()
    // Channel 0 is 3 everywhere.
    #expect(after[0][0] == 0.75 && after[1][0] == 0.75)
    #expect(after[0][1] != 0 && after[1][1] != 1)
    _ = network(x, pass)
    #expect(values() == after)
    #expect(network(x, Pass(training: [], mode: .training, on: device)).value.elements == first)
    #expect(network(x, .evaluation(on: device)).value.elements != first)
    store.initialize(.glorotUniform, from: RandomStream(seed: 3))
    #expect(values() == begin)
  }
}
