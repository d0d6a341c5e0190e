import ArgumentParser
import Autodiff
import Diagnostics
import NeuralLayers
import TensorCore

/// Networks that the fused kernels do not support: the general convolution.
struct ShapesBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shapes",
    abstract: "Forward and backward passes of convolutional networks that the fused kernels do not support.")

  @OptionGroup var options: BenchmarkOptions

  @Option(help: "The name of one network (default: all).")
  var network: String?

  func run() throws {
    try options.report { bench in
      for network in ShapesNetwork.all where self.network == nil || network.name == self.network {
        try Self.measure(network, bench)
      }
    }
  }

  /// Measures one network and adds its row.
  static func measure(_ network: ShapesNetwork, _ bench: Bench) throws {
    let pass = try ShapesCase(network, on: bench.device)
    let count = 8
    for _ in 0..<3 { _ = try pass.step() }
    let before = bench.device.pool.statistics.misses
    let request = Peer.Request(work: "network", batch: network.batch, network: network)
    var row = try bench.alternate("network, \(network.name), batch \(network.batch)", count: count, request: request) {
      try seconds(count) { _ = try pass.step() }
    }
    row.figures["pool misses"] = Double(bench.device.pool.statistics.misses - before)
    let profile = StepProfile()
    _ = try pass.step(profile)
    row.operations = profile.operations
    bench.add(row)
  }
}

/// A network of convolutions followed by transposed convolutions.
struct ShapesNetwork: Encodable {
  struct Layer: Encodable {
    var kernel: Int
    var stride: Int
    var padding: Int
    var channels: Int

    init(_ channels: Int, _ kernel: Int, _ stride: Int, _ padding: Int) {
      (self.kernel, self.stride, self.padding, self.channels) = (kernel, stride, padding, channels)
    }
  }

  var name: String
  var batch: Int
  var side: Int
  var channels: Int
  var encoder: [Layer]
  var decoder: [Layer]

  static let all = [
    ShapesNetwork(
      name: "odd channels", batch: 64, side: 64, channels: 1,
      encoder: [Layer(20, 4, 2, 1), Layer(28, 4, 2, 1), Layer(44, 4, 2, 1), Layer(60, 4, 2, 1)],
      decoder: [Layer(44, 4, 2, 1), Layer(28, 4, 2, 1), Layer(20, 4, 2, 1), Layer(1, 4, 2, 1)]),
    ShapesNetwork(
      name: "3×3", batch: 50, side: 32, channels: 3,
      encoder: [Layer(24, 3, 1, 1), Layer(24, 3, 2, 1), Layer(48, 3, 1, 1), Layer(48, 3, 2, 1)],
      decoder: [Layer(48, 4, 2, 1), Layer(48, 3, 1, 1), Layer(24, 4, 2, 1), Layer(3, 3, 1, 1)]),
    ShapesNetwork(
      name: "5×5", batch: 50, side: 32, channels: 3,
      encoder: [Layer(17, 5, 1, 2), Layer(33, 5, 2, 2), Layer(65, 5, 2, 2)],
      decoder: [Layer(33, 4, 2, 1), Layer(17, 4, 2, 1), Layer(3, 5, 1, 2)]),
    ShapesNetwork(
      name: "no padding", batch: 128, side: 28, channels: 1,
      encoder: [Layer(6, 5, 1, 0), Layer(16, 6, 2, 0), Layer(120, 4, 2, 0)],
      decoder: [Layer(16, 4, 2, 0), Layer(6, 6, 2, 0), Layer(1, 5, 1, 0)]),
    ShapesNetwork(
      name: "3×3 of 64 channels", batch: 64, side: 16, channels: 3,
      encoder: [Layer(64, 3, 1, 1), Layer(64, 3, 1, 1), Layer(64, 3, 1, 1)],
      decoder: [Layer(64, 3, 1, 1), Layer(64, 3, 1, 1), Layer(3, 3, 1, 1)]),
  ]
}

/// A network with parameters and a batch: the mean square of its output, and its gradients.
private final class ShapesCase {
  private let device: Device
  private let store: ParameterStore
  private let networks: [Network]
  private let images: Tensor<Float>

  init(_ network: ShapesNetwork, on device: Device) throws {
    self.device = device
    let store = ParameterStore(on: device)
    self.store = store
    let image = ImageShape(height: network.side, width: network.side, channels: network.channels)
    var encoder = NetworkBuilder("encoder", from: .image(image), in: store)
    for layer in network.encoder {
      try encoder.convolution(
        layer.channels, kernel: layer.kernel, stride: layer.stride, padding: layer.padding, activation: .relu)
    }
    var decoder = NetworkBuilder("decoder", from: encoder.form, in: store)
    for (index, layer) in network.decoder.enumerated() {
      try decoder.transposedConvolution(
        layer.channels, kernel: layer.kernel, stride: layer.stride, padding: layer.padding,
        activation: index == network.decoder.count - 1 ? .identity : .relu)
    }
    networks = [try encoder.network(), try decoder.network()]
    guard networks.allSatisfy({ $0.fusedConvolutionCount == 0 }) else {
      throw StructuredError(
        "the fused kernels support this network, so it does not measure the general convolution", at: network.name)
    }
    store.initialize(.kaimingUniform, from: RandomStream(seed: 0))
    images = Tensor(repeating: 0, image.batch(network.batch), on: device)
    var stream = RandomStream(seed: 1)
    images.withMutableElements { stream.fillNormal($0) }
  }

  func step(_ profile: StepProfile? = nil) throws -> Float {
    let pass = Pass(training: [store], on: device, profile: profile)
    let output = networks.reduce(Variable(images)) { $1($0, pass) }
    let loss = output.squared().mean()
    try pass.tape.backward(from: loss)
    return loss.scalar
  }
}
