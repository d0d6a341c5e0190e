import Autodiff
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@Suite("Updates within the backward pass")
struct FusedUpdateTests {
  /// Two layers whose weights are updated in the backward pass (520 · 530 values, no multiples of a tile), and one that is too
  /// small for that.
  private struct Net {
    let store: ParameterStore
    let layers: [Dense]

    init(on device: Device) {
      store = ParameterStore(on: device)
      layers = [
        Dense("first", inputs: 520, outputs: 530, activation: .tanh, in: store),
        Dense("second", inputs: 530, outputs: 520, activation: .leakyReLU(slope: 0.2), in: store),
        Dense("last", inputs: 520, outputs: 2, in: store),
      ]
      store.initialize(.kaimingUniform, from: RandomStream(seed: 3))
    }

    /// Σ of squares of the last layer's outputs; the first two layers are applied `times` times. `alone` is false for a second
    /// term that uses the same variables of their weights, or their values as constants.
    func loss(_ x: Tensor<Float>, times: Int, alone: Bool, _ pass: Pass) -> Variable<Float> {
      var values = Variable(x)
      for _ in 0..<times { values = layers[1](layers[0](values, pass), pass) }
      let loss = layers[2](values, pass).squared().sum()
      if alone { return loss }
      let (first, second) = (pass(layers[0].weight), pass(layers[1].weight))
      return loss + first.squared().sum() + (values.squared().sum() * second.detached.sum())
    }
  }

  private static let adam = OptimizerSettings.adam(learningRate: 1e-3, beta1: 0.9, beta2: 0.99, epsilon: 1e-8)

  /// What gradients hold before anything is written to them.
  private static let untouched: Float = 12_345

  /// Values of parameters and moments after three steps, and which layers' gradients of weights are in memory.
  private static func train(
    _ settings: OptimizerSettings, fused: Bool, batch: Int = 70, times: Int = 1, alone: Bool = true, _ device: Device
  ) throws -> (values: [[Float]], written: [Bool]) {
    let net = Net(on: device), optimizer = Optimizer(settings, for: net.store)
    var noise = RandomStream(seed: 8)
    for _ in 0..<3 {
      net.store.gradients.fill(untouched)
      let x = noise.normalTensor([batch, 520], on: device)
      let pass = Pass(training: [net.store], updating: fused ? [optimizer] : [], on: device)
      try pass.tape.backward(from: net.loss(x, times: times, alone: alone, pass))
      optimizer.update()
    }
    let written = net.layers.map { layer in layer.weight.gradient.elements.allSatisfy { $0 != untouched } }
    return ([net.store.values.elements] + optimizer.moments.map(\.elements), written)
  }

  @Test("Parameters and moments are to the bit what the pass and the optimiser give one after the other")
  func sameBits() throws {
    for level in VectorLevel.allCases where level <= .best {
      for threads in [1, 2, 3] {
        let device = Device(threads: threads, level: level)
        let plain = try Self.train(Self.adam, fused: false, device)
        let fused = try Self.train(Self.adam, fused: true, device)
        #expect(plain.written == [true, true, true])
        #expect(fused.written == [false, false, true], "\(level), \(threads) threads")
        let isSame = fused.values == plain.values
        #expect(isSame, "\(level), \(threads) threads")
      }
    }
  }

  @Test("Weights that are used twice, deep batches, weight decay and gradient descent are updated after the pass")
  func notFused() throws {
    let device = Device(threads: 2)
    let decay = OptimizerSettings.adam(
      learningRate: 1e-3, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1)
    let cases: [(OptimizerSettings, batch: Int, times: Int, alone: Bool)] = [
      (Self.adam, 70, 2, true), (Self.adam, 70, 1, false), (Self.adam, 513, 1, true), (decay, 70, 1, true),
      (.sgd(learningRate: 1e-3, momentum: 0.5), 70, 1, true),
    ]
    for (settings, batch, times, alone) in cases {
      let plain = try Self.train(settings, fused: false, batch: batch, times: times, alone: alone, device)
      let fused = try Self.train(settings, fused: true, batch: batch, times: times, alone: alone, device)
      #expect(fused.written == [true, true, true])
      let isSame = fused.values == plain.values
      #expect(isSame, "\(settings), batch \(batch), \(times) times, \(alone)")
    }
  }
}
