import NeuralLayers
import TensorCore
import TestSupport
import Testing

@Suite("Codebooks")
struct CodebookTests {
  @Test("Each latent takes the nearest of its own values, of equally near ones the first")
  func nearest() {
    let book = Codebook([-1, 0, 1, 5, 3, 7], latents: 2)
    #expect(book.count == 3)
    let codes: [Float] = [-0.6, 4, 0.5, 100, 0.51, 6.5, -100, 3.9]
    #expect(book.indices(of: codes) == [0, 0, 1, 2, 2, 2, 0, 1])
    #expect(book.quantized(codes) == [-1, 5, 0, 7, 1, 7, -1, 3])
    #expect(book.sortedValues(of: 1) == [3, 5, 7])
  }

  @Test("AdamW decays weights by rate times decay before the step, and leaves biases and constants as they are")
  func weightDecay() {
    let store = ParameterStore(on: Device(threads: 1))
    let weight = store.add("weight", [3], .vector(count: 3, image: nil), .weight(fanIn: 3, fanOut: 1))
    let bias = store.add("bias", [2], .vector(count: 2, image: nil), .bias(fanIn: 3))
    let own = store.add("own", [2], initial: 4)
    store.initialize(.kaimingUniform, from: RandomStream(seed: 1))
    for parameter in [weight, bias, own] { parameter.value.fill(2) }
    func optimizer(_ decay: Double) -> Optimizer {
      Optimizer(
        .adam(learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: decay), for: store)
    }
    // Without a gradient Adam stands still.
    store.gradients.fill(0)
    optimizer(0.1).update()
    #expect(relativeDifference(weight.value.elements.map(Double.init), [1.998, 1.998, 1.998]) < 1e-6)
    #expect(bias.value.elements == [2, 2] && own.value.elements == [2, 2])
    // With one its first step is the rate.
    weight.value.fill(2)
    store.gradients.fill(3)
    optimizer(0.1).update()
    #expect(relativeDifference(weight.value.elements.map(Double.init), [1.988, 1.988, 1.988]) < 1e-6)
    #expect(relativeDifference(bias.value.elements.map(Double.init), [1.99, 1.99]) < 1e-6)
  }
}
